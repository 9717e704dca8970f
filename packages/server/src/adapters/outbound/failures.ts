/** What went wrong with a connection, in our own words. Nothing of a library's message is passed on. */
import { OutboundFailure } from "../../ports/outbound.ts"

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused the connection - perhaps it is offline",
  ENOTFOUND: "is not known: correct its name",
  EAI_AGAIN: "cannot be looked up now",
  ENODATA: "has no address",
  EHOSTUNREACH: "cannot be reached",
  ENETUNREACH: "cannot be reached",
  EADDRNOTAVAIL: "cannot be reached",
  EACCES: "cannot be reached",
}

const tooLate = new Set(["ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"])

/** Codes of a certificate that is not trusted, as TLS libraries name them. */
const certificate = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|EPROTO)/

/** The failure that an error of the transport means; null for what is none, as a fault of ours. */
export function failureOf(error: unknown, host: string): OutboundFailure | null {
  if (error instanceof OutboundFailure) return error
  if (!(error instanceof Error)) return null
  const code = codeOf(error)
  if (code === null) return null
  const options = { systemCode: code, cause: error }
  if (Object.hasOwn(unreachable, code)) {
    return new OutboundFailure("unreachable", `The server ${host} ${unreachable[code]}.`, options)
  }
  if (tooLate.has(code)) return new OutboundFailure("timeout", `The server ${host} did not answer in time.`, options)
  if (certificate.test(code)) {
    const message = `The certificate of ${host} is not trusted. Certificates are always checked.`
    return new OutboundFailure("certificate", message, options)
  }
  if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_NOT_SUPPORTED") {
    const message = "The request cannot be sent: its method, address or one of its headers is not valid."
    return new OutboundFailure("invalid", message, options)
  }
  return new OutboundFailure("broken", `The connection to ${host} broke off.`, options)
}

/** The code of an error; of several attempts to connect, that of the first. */
function codeOf(error: Error): string | null {
  if ("code" in error && typeof error.code === "string") return error.code
  // What is no HTTP at all has no code with every fault of it.
  if (error.name === "HTTPParserError") return "HPE"
  const [first] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : []
  return first instanceof Error ? codeOf(first) : null
}
