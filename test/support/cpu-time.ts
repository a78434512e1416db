/** Measures work in CPU time of this process, which other processes do not change much. */

/** Returns the CPU time of this process in microseconds. */
export async function cpuOf(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** Runs a function repeatedly. */
export async function times(count: number, run: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await run(i)
}
