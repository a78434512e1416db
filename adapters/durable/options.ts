/** The options of the runner on AWS. */

/** Options of `lambdaRunner()`. */
export interface LambdaRunnerOptions {
  /**
   * The ARN of the function whose handler is `durable(mcp)`, with an alias or a version at its end:
   * Lambda invokes durable functions by such a name only.
   */
  function: string
  /**
   * Milliseconds for which a turn may have been due before a request for its task asks Lambda whether the
   * task still runs.
   * @default 30 seconds
   */
  rescueAfter?: number
  /** How requests to Lambda are sent. @default the global fetch */
  fetch?: typeof globalThis.fetch
}
