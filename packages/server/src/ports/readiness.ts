/** Whether this process takes work: written by whoever starts and stops it, read by the health call. */

/** `starting` until everything is open, `draining` from the first signal to stop. */
export type ReadinessState = "starting" | "ready" | "draining"

/** The state of the process. */
export interface Readiness {
  state(): ReadinessState
}
