/** The ports that most kinds have. */
import type { Port } from "./kind.ts"

/** No port: a trigger's inputs, the outputs of a node that ends a run. */
export const noPorts: readonly Port[] = []

/** One port, which needs no name. */
export const onePort: readonly Port[] = [{ name: "main" }]
