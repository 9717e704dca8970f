/** Bytes to a server and back, for what no client library would send. */
import { connect, type Socket } from "node:net"

/** An answer as it came over the line. */
export type RawAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** Opens a connection. */
export function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => resolve(socket))
    socket.once("error", reject)
  })
}

/** Reads to the end of the connection, or until the text satisfies `enough`. */
export function readSocket(socket: Socket, enough: (text: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve) => {
    let text = ""
    const finish = (): void => resolve(text)
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1")
      if (enough(text)) finish()
    })
    socket.on("close", finish)
    // A connection that is cut while we write is an end like any other here.
    socket.on("error", finish)
  })
}

/** Sends bytes on a connection of their own and reads what comes until the server closes it. */
export async function sendRaw(port: number, bytes: string): Promise<RawAnswer> {
  const socket = await openSocket(port)
  socket.write(bytes)
  const text = await readSocket(socket)
  socket.destroy()
  return parseRaw(text)
}

/** The first answer of a text. The body is what follows the headers, however it is framed. */
export function parseRaw(text: string): RawAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n")
  const [first = "", ...lines] = head.split("\r\n")
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":")
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return { status: Number(first.split(" ")[1]), headers: Object.fromEntries(headers), text: rest.join("\r\n\r\n") }
}
