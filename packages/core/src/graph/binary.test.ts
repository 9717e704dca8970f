import { describe, expect, it } from "vitest"
import {
  binaryReference,
  cleanFileName,
  findBinary,
  isBinaryId,
  isMimeType,
  mimeTypeOfName,
  readInlineBinary,
} from "./binary.ts"

const id = `bin_${"0123456789abcdef".repeat(4)}`

describe("a reference to a file", () => {
  it("says what the file is, and how large, for people and for programs", () => {
    expect(binaryReference(id, 1_234, { mimeType: "image/png", fileName: "photo.PNG" })).toEqual({
      id,
      mimeType: "image/png",
      fileType: "image",
      fileExtension: "PNG",
      fileName: "photo.PNG",
      fileSize: "1.23 kB",
      bytes: 1_234,
    })
  })

  it.each([
    [0, "0 B"],
    [1, "1 B"],
    [999, "999 B"],
    [1_000, "1 kB"],
    [16_777_216, "16.8 MB"],
    [5_000_000_000_000, "5000 GB"],
  ])("tells %i bytes as %s", (bytes, text) => {
    expect(binaryReference(id, bytes, { mimeType: "text/plain", fileName: null }).fileSize).toBe(text)
  })

  it("takes its extension from the type where the name has none, and leaves it out where nothing tells", () => {
    expect(binaryReference(id, 1, { mimeType: "text/csv; charset=utf-8", fileName: "rows" }).fileExtension).toBe("csv")
    expect(binaryReference(id, 1, { mimeType: "x/y", fileName: null })).not.toHaveProperty("fileExtension")
  })

  it("is found again under the name of its field, with its facts", () => {
    const reference = binaryReference(id, 3, { mimeType: "text/plain", fileName: "a.txt" })
    expect(findBinary({ data: reference }, "data")).toEqual({ id, mimeType: "text/plain", fileName: "a.txt" })
  })

  it.each([
    ["no binary", undefined],
    ["another field", { other: { id } }],
    ["a text", { data: id }],
    ["a broken id", { data: { id: "bin_1" } }],
    ["an id in capitals", { data: { id: id.toUpperCase() } }],
    ["inherited names", JSON.parse('{"__proto__": {"data": {}}}')],
  ])("is not found in %s", (_, binary) => {
    expect(findBinary(binary, "data")).toBeNull()
    expect(findBinary(binary, "constructor")).toBeNull()
  })
})

describe("bytes that stand in an item", () => {
  it("are read with their facts", () => {
    const inline = { data: "aGk=", mimeType: "text/plain", fileName: "../../etc/hi.txt" }
    expect(readInlineBinary(inline)).toEqual({ base64: "aGk=", mimeType: "text/plain", fileName: "hi.txt" })
  })

  it("are none where the value is a reference, though it has data too", () => {
    expect(readInlineBinary({ id, data: "filesystem" })).toBeNull()
    expect(readInlineBinary({ mimeType: "text/plain" })).toBeNull()
    expect(readInlineBinary("aGk=")).toBeNull()
    expect(readInlineBinary(undefined)).toBeNull()
  })

  it("have the unknown type where theirs could not stand in a header", () => {
    const value = { data: "aGk=", mimeType: "text/html\r\nset-cookie: a=b" }
    expect(readInlineBinary(value)?.mimeType).toBe("application/octet-stream")
  })
})

describe("types and names of files", () => {
  it.each(["text/plain", "image/svg+xml", "text/csv; charset=utf-8", 'multipart/form-data; boundary="a b"'])(
    "take %s as a type",
    (type) => expect(isMimeType(type)).toBe(true),
  )

  it.each(["", "text", "text/", "a/b\n", "a/b; c", "a /b", 'a/b; x="\r\n"', `a/${"b".repeat(300)}`])(
    "do not take %j as a type",
    (type) => expect(isMimeType(type)).toBe(false),
  )

  it("leave folders and control characters out of a name, and cut a long one", () => {
    expect(cleanFileName("C:\\fakepath\\a.txt")).toBe("a.txt")
    expect(cleanFileName("/etc/pass\u0000wd\n")).toBe("passwd")
    expect([...cleanFileName("é".repeat(400))]).toHaveLength(255)
  })

  it("tell the type by the name", () => {
    expect(mimeTypeOfName("rows.csv")).toBe("text/csv")
    expect(mimeTypeOfName("PHOTO.JPEG")).toBe("image/jpeg")
    expect(mimeTypeOfName(".csv")).toBeNull()
    expect(mimeTypeOfName("a.constructor")).toBeNull()
  })

  it("know an id by its form alone", () => {
    expect(isBinaryId(id)).toBe(true)
    expect(isBinaryId(`${id}0`)).toBe(false)
    expect(isBinaryId(`../${id}`)).toBe(false)
  })
})
