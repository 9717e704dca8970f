/** Real connections: to the addresses that were judged, under the name that certificates are checked against. */
import type { LookupAddress } from "node:dns"
import type { LookupFunction, Socket } from "node:net"
import type { buildConnector } from "undici"
import type { Dial, ResolvedAddress } from "./guard.ts"

/** How long a connection may take to be made. */
const connectMsMax = 10_000

/** Dials over the platform's sockets. Tries the addresses in order, the next one a moment later where one does not answer. */
export function makeDial(build: typeof buildConnector): Dial {
  return (target, addresses) =>
    new Promise<Socket>((resolve, reject) => {
      // One connector for one connection: its look-up answers with the judged addresses, and with nothing else.
      const connect = build({
        allowH2: false,
        timeout: connectMsMax,
        autoSelectFamily: true,
        lookup: answering(addresses),
      } as buildConnector.BuildOptions)
      connect(target, (error, socket) => (error === null ? resolve(socket) : reject(error)))
    })
}

function answering(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses
    if (options.all === true) callback(null, addresses as LookupAddress[])
    else callback(null, first?.address ?? "", first?.family ?? 0)
  }
}
