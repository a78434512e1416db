/** The parts of the process that the program uses. Tests replace them with objects in memory. */

export interface Host {
  readonly stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  readonly env: NodeJS.ProcessEnv
  /** Aborts at Ctrl+C outside of the interactive session. */
  readonly signal: AbortSignal
  /** Ends the process at once, for a second Ctrl+C. */
  readonly forceQuit: () => void
}
