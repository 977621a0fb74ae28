//! The names of other inits: their options, their variables, their exit statuses.
