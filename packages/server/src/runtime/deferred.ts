/** A promise that is settled from outside (`Promise.withResolvers` came only with Node 22). */

/** The promise and what resolves it. */
export type Deferred<Value> = { readonly promise: Promise<Value>; resolve(value: Value): void }

/** A promise that waits for its value. */
export function makeDeferred<Value>(): Deferred<Value> {
  let resolve: (value: Value) => void = () => {}
  const promise = new Promise<Value>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
