/* Runs in: workload. Does nothing, so that only the way to it and back costs anything. */

int main(void)
{
    return 0;
}
