//! Runs in: any thread-free process. Shows again and again, until a signal ends it, on a screen that is not the one the user
//! came from.

use crate::error::{Failure, Stage};
use crate::signal::Signal;
use crate::sys::{self, Moment, Recipient, SignalSet, terminal_rows};
use crate::text::write_all;
use nix::errno::Errno;
use nix::libc::STDOUT_FILENO;
use nix::unistd::getpid;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

/// Switches to the alternate screen, which leaves the other one as it is, and hides the cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// To the top, and nothing on the screen.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Shows what `look` finds every `interval`, until Ctrl-C, or until it finds nothing more. Every signal is blocked, and is taken
/// from the kernel's queue while we wait, so that none can end us with the terminal half changed.
///
/// # Errors
/// It cannot be written. What `look` fails with.
pub(super) fn watch(interval: Duration, mut look: impl FnMut() -> Result<String, Failure>) -> Result<(), Failure> {
    let is_screen = io::stdout().is_terminal();
    let mut entered = false;
    let mut show = || -> Result<Option<Signal>, Failure> {
        loop {
            let mut text = look()?;
            if text.is_empty() {
                return Ok(None);
            }
            if is_screen {
                cut(&mut text);
                let enter = if std::mem::replace(&mut entered, true) { "" } else { ENTER };
                write(&[enter, CLEAR, &text].concat())?;
            } else {
                write(&text)?;
            }
            if let Some(signal) = wait(interval, is_screen) {
                return Ok(Some(signal));
            }
        }
    };
    let ended = show();
    if entered {
        write(LEAVE)?;
    }
    // Ctrl-C is the way to end it, and a success; any other signal ends it as it would have ended any program.
    if let Some(signal) = ended?.filter(|signal| *signal != Signal::INT) {
        sys::die_by(signal);
    }
    Ok(())
}

/// As many lines as the terminal has; the last one says that there are more.
fn cut(text: &mut String) {
    let rows = terminal_rows().map_or(0, usize::from);
    if rows < 2 {
        return;
    }
    let mut ends = text.match_indices('\n').skip(rows - 2);
    // The second one makes it roll.
    if let (Some((end, _)), Some(_)) = (ends.next(), ends.next()) {
        text.truncate(end + 1);
        text.push_str("...");
    }
}

/// Until the time is up, or the window has another size. The signal that ends us, if one came.
fn wait(interval: Duration, is_screen: bool) -> Option<Signal> {
    let end = Moment::after(interval);
    loop {
        let signal = sys::wait_signal(SignalSet::ALL, Some(end.left())).map(|info| info.signal());
        match signal.flatten() {
            None | Some(Signal::WINCH) => return None,
            Some(Signal::TSTP) => {
                stop(is_screen);
                return None;
            }
            Some(signal @ (Signal::INT | Signal::TERM | Signal::QUIT | Signal::HUP | Signal::PIPE)) => {
                return Some(signal);
            }
            // What asks for something else than an end is not for us.
            Some(_) => {}
        }
    }
}

/// Ctrl-Z: the shell is to have its screen while we are stopped.
fn stop(is_screen: bool) {
    let show = |text: &str| if is_screen { write(text) } else { Ok(()) };
    // Ignoring errors: the next picture fails, and says so.
    let _ = show(LEAVE);
    sys::stop_by(Recipient::Process(getpid()), Signal::TSTP);
    let _ = show(ENTER);
}

/// Writes all of it to stdout.
///
/// # Errors
/// A pipe that nobody reads ends us, as it does any program.
pub(super) fn write(text: &str) -> Result<(), Failure> {
    write_all(sys::stdio(STDOUT_FILENO), text.as_bytes()).map_err(|errno| {
        if errno == Errno::EPIPE {
            sys::die_by(Signal::PIPE);
        }
        Failure::new(Stage::PrintText, "standard output", errno)
    })
}
