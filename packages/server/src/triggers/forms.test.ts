/** Forms over HTTP: their pages, what somebody sends, and what is shown then. */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"
import { makeTriggerClient } from "../testing/triggers.ts"

const talk = useTalkServer()
const { arm, store, send, runsOf } = makeTriggerClient(talk)

const everyType: readonly JsonObject[] = [
  { fieldLabel: "Name", requiredField: true },
  { fieldLabel: "Age", fieldType: "number" },
  { fieldLabel: "Mail", fieldType: "email" },
  { fieldLabel: "Born", fieldType: "date", formatDate: "dd.MM.yyyy" },
  { fieldLabel: "Colour", fieldType: "dropdown", fieldOptions: { values: [{ option: "red" }, { option: "blue" }] } },
  { fieldLabel: "Sizes", fieldType: "checkbox", fieldOptions: { values: [{ option: "S" }, { option: "M" }] } },
  { fieldLabel: "Way", fieldType: "radio", fieldOptions: { values: [{ option: "post" }, { option: "mail" }] } },
  { fieldLabel: "Story", fieldType: "textarea" },
  { fieldLabel: "CV file", fieldType: "file", multipleFiles: false },
  { fieldType: "hiddenField", fieldName: "from", fieldValue: "poster" },
]

let count = 0
const form = (
  parameters: JsonObject,
  fields: readonly JsonObject[] = everyType,
  rest: JsonObject = {},
): JsonObject => ({
  ...node("Form", "n8n-nodes-base.formTrigger", {
    formTitle: "Ask <me>",
    formFields: { values: fields as JsonValue },
    ...parameters,
  }),
  typeVersion: 2.2,
  ...rest,
})
/** Arms a form with the nodes behind it; gives its path and the workflow's id. */
async function armForm(parameters: JsonObject, nodes: readonly JsonObject[] = [], fields = everyType) {
  count += 1
  const path = `form-${count}`
  const names = ["Form", ...nodes.map(({ name }) => String(name))]
  const wires = names.slice(1).map((name, index): [string, string] => [names[index] ?? "", name])
  const id = await arm(workflow([form({ path, ...parameters }, fields), ...nodes], wires))
  return { id, path: `/form/${path}` }
}
const sent = (fields: Readonly<Record<string, string | readonly string[]>>, file?: Blob): FormData => {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) for (const each of [value].flat()) data.append(name, each)
  if (file !== undefined) data.append("field-8", file, "cv.txt")
  return data
}
const page = { accept: "text/html" }
const post = (path: string, body: FormData | string, headers: Record<string, string> = page) =>
  send(path, { method: "POST", body, headers })

describe("the page of a form", () => {
  it("needs no script, and escapes all that somebody wrote", async () => {
    const evil = '"><script>alert(1)</script>'
    const { path } = await armForm(
      {
        formTitle: evil,
        formDescription: `<b>Hi</b>${evil}`,
        options: { buttonLabel: evil, customCss: "</style><script>alert(1)</script>" },
      },
      [],
      [
        { fieldLabel: evil, placeholder: evil, defaultValue: evil },
        { fieldLabel: "D", fieldType: "dropdown", fieldOptions: { values: [{ option: evil }] } },
        { fieldLabel: "C", fieldType: "radio", fieldOptions: { values: [{ option: evil }] } },
        { fieldType: "hiddenField", fieldName: "h", fieldValue: evil },
        { fieldType: "html", html: `<i>ok</i><img src=x onerror=alert(1)>${evil}` },
      ],
    )
    const { status, headers, text } = await send(`${path}?h=${encodeURIComponent(evil)}`)
    expect([status, headers.get("content-type"), headers.get("x-frame-options")]).toEqual([
      200,
      "text/html; charset=utf-8",
      "DENY",
    ])
    expect(headers.get("content-security-policy")).toContain("default-src 'none'")
    expect(text).not.toMatch(/<script|onerror|<\/style><scr/i)
    expect(text).toContain("<i>ok</i>")
    expect(text).toContain("&#60;script&#62;")
  })

  it("names each input for whoever hears it, and says what is required", async () => {
    const { text } = await send((await armForm({})).path)
    for (const [index, type] of ["text", "number", "email", "date"].entries()) {
      expect(text).toContain(`<label for="field-${index}">`)
      expect(text).toContain(`<input type="${type}"`)
    }
    expect(text).toMatch(/<fieldset[^>]*><legend>Way<\/legend>/)
    expect(text).toContain('id="field-0" name="field-0" required')
    expect(text).toContain('<html lang="en">')
    expect(text).toContain('name="viewport"')
  })

  it("is filled in by the query, and changes nothing however often it is read", async () => {
    const { id, path } = await armForm({})
    const { text } = await send(`${path}?Name=Ada&Colour=blue&from=mail&Nope=1`)
    expect(text).toContain('value="Ada"')
    expect(text).toContain('<option value="blue" selected>')
    expect(text).toContain('name="field-9" value="mail"')
    expect(await runsOf(id)).toEqual([])
  })

  it("is not there while the workflow is not armed: people read it, programs get the envelope", async () => {
    const id = await store(workflow([form({ path: "not-armed" })]))
    const forPeople = await send("/form/not-armed", { headers: page })
    expect([forPeople.status, forPeople.text.includes("This form is not there")]).toEqual([404, true])
    expect((await send("/form/not-armed")).json.error.code).toBe("ROUTE_NOT_FOUND")
    await talk.client.call("POST", `/v1/workflows/${id}/listen`, { body: {} })
    expect((await send("/form-test/not-armed", { headers: page })).status).toBe(200)
    expect((await post("/form-test/not-armed", sent({ "field-0": "Ada" }))).status).toBe(200)
    expect((await post("/form-test/not-armed", sent({ "field-0": "Ada" }))).status).toBe(404)
    expect((await runsOf(id)).map(({ mode }) => mode)).toEqual(["manual"])
  })

  it("is another address than a webhook of that path", async () => {
    const { path } = await armForm({})
    expect((await send(path.replace("/form/", "/webhook/"))).status).toBe(404)
  })
})

describe("what somebody sends", () => {
  it("becomes the documented item, files apart", async () => {
    const { id, path } = await armForm({})
    const answers = {
      "field-0": " Ada ",
      "field-1": "36",
      "field-2": "ada@example.com",
      "field-3": "1815-12-10",
      "field-4": "blue",
      "field-5": ["S", "M"],
      "field-6": "post",
      "field-7": "a\r\nb",
      "field-9": "mail",
      unknown: "x",
    }
    const { status, text } = await post(`${path}?a=1`, sent(answers, new Blob(["my cv"], { type: "text/plain" })))
    expect([status, text.includes("Your response has been recorded")]).toEqual([200, true])
    const run = await until(async () => (await runsOf(id)).find(({ status }) => status === "completed"), "its end")
    const { output } = await talk.client.get(`/v1/runs/${run.id}`)
    expect(output).toEqual([
      {
        Name: "Ada",
        Age: 36,
        Mail: "ada@example.com",
        Born: "10.12.1815",
        Colour: "blue",
        Sizes: ["S", "M"],
        Way: "post",
        Story: "a\r\nb",
        "CV file": { filename: "cv.txt", mimetype: "text/plain", size: 5 },
        from: "mail",
        submittedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        formMode: "production",
        formQueryParameters: { a: "1" },
      },
    ])
    const { executions } = await talk.client.get(`/v1/runs/${run.id}/nodes/Form`)
    expect(executions).toHaveLength(1)
  })

  it.each([
    ["nothing that is required", {}, "This field is required."],
    ["blanks", { "field-0": "  " }, "This field is required."],
    ["no number", { "field-0": "A", "field-1": "many" }, "This is not a number."],
    ["no address", { "field-0": "A", "field-2": "nowhere" }, "This is not an e-mail address."],
    ["no date", { "field-0": "A", "field-3": "2026-02-31" }, "This is not a date."],
    ["no option", { "field-0": "A", "field-4": "green" }, "Choose one of the options."],
    ["two answers for one", { "field-0": ["A", "B"] }, "Only one answer can be given here."],
  ])("is shown again with what is wrong: %s", async (_, fields: Record<string, string | string[]>, message) => {
    const { id, path } = await armForm({})
    const { status, text } = await post(path, sent({ "field-7": "kept <b>", ...fields }))
    expect([status, text.includes(message), text.includes('role="alert"')]).toEqual([422, true, true])
    expect(text).toContain("kept &#60;b&#62;")
    expect(await runsOf(id)).toEqual([])
  })

  it.each(["", "field-0=%", "no form"])("is refused where it is no form: %j", async (body) => {
    const { id, path } = await armForm({})
    const { status } = await post(path, body, { ...page, "content-type": "multipart/form-data; boundary=x" })
    expect([status, await runsOf(id)]).toEqual([422, []])
  })

  it("can come as a plain form", async () => {
    const { id, path } = await armForm({})
    const type = { ...page, "content-type": "application/x-www-form-urlencoded" }
    expect((await post(path, "field-0=Ada+L&field-5=S", type)).status).toBe(200)
    expect(await runsOf(id)).toHaveLength(1)
  })
})

describe("what is shown then", () => {
  const answers = sent({ "field-0": "Ada" })
  const respond = (parameters: JsonObject): JsonObject => ({
    ...node("Respond", "n8n-nodes-base.respondToWebhook", parameters),
    typeVersion: 1.4,
  })

  it("is the text of the form, or the way on that it names", async () => {
    const said = await armForm({
      options: { respondWithOptions: { values: { respondWith: "text", formSubmittedText: "Thanks <3" } } },
    })
    expect((await post(said.path, answers)).text).toContain("Thanks &#60;3")
    const redirectUrl = "https://a.example/done"
    const led = await armForm({ options: { respondWithOptions: { values: { respondWith: "redirect", redirectUrl } } } })
    const { status, headers } = await post(led.path, answers)
    expect([status, headers.get("location")]).toEqual([303, redirectUrl])
  })

  it("waits for the last node, and says where the run failed", async () => {
    const stop = node("Stop", "n8n-nodes-base.stopAndError", { errorMessage: "secret words" })
    const good = await armForm({ responseMode: "lastNode" })
    expect((await post(good.path, answers)).status).toBe(200)
    expect((await runsOf(good.id))[0].status).toBe("completed")
    const bad = await armForm({ responseMode: "lastNode" }, [stop])
    const { status, text } = await post(bad.path, answers)
    expect([status, text.includes("Error in workflow"), text.includes("secret")]).toEqual([422, true, false])
  })

  it("is what a node answers", async () => {
    const { path } = await armForm({ responseMode: "responseNode" }, [
      respond({ respondWith: "text", responseBody: "=Hi {{ $json.Name }}" }),
    ])
    const { text, headers } = await post(path, answers)
    expect([text, headers.get("content-security-policy")?.startsWith("sandbox")]).toEqual(["Hi Ada", true])
  })

  it("is a page that asks who it is, where the form demands a name and password", async () => {
    const made = await talk.client.call("POST", "/v1/credentials", {
      body: { name: "Gate", type: "httpBasicAuth", data: { user: "ada", password: "lovelace" } },
    })
    const credentials = { httpBasicAuth: { id: made.body.id, name: "Gate" } }
    await arm(workflow([form({ path: "gated", authentication: "basicAuth" }, everyType, { credentials })]))
    const authorization = `Basic ${Buffer.from("ada:lovelace").toString("base64")}`
    const shut = await send("/form/gated", { headers: page })
    expect([shut.status, shut.headers.get("www-authenticate")]).toEqual([401, expect.stringContaining("Basic")])
    expect((await send("/form/gated", { headers: { ...page, authorization } })).status).toBe(200)
    expect((await post("/form/gated", answers, { ...page, authorization })).status).toBe(200)
    const crossSite = { ...page, authorization, "sec-fetch-site": "cross-site" }
    expect((await post("/form/gated", answers, crossSite)).status).toBe(403)
  })
})
