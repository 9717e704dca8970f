/**
 * HTML that a workflow's author writes into a form, made safe to stand in our page: tags and attributes by a list of what
 * is allowed (documented), everything else left out, every element closed. What stays can format, link and show; it can
 * run nothing, send nothing and break out of nothing.
 */
import { Parser } from "htmlparser2"

/** Attributes of each tag that is allowed; addresses are checked apart. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  a: ["href", "target"],
  b: [],
  br: [],
  code: [],
  div: [],
  em: [],
  h1: [],
  h2: [],
  h3: [],
  h4: [],
  h5: [],
  h6: [],
  i: [],
  iframe: ["src", "width", "height", "title"],
  img: ["src", "alt", "width", "height"],
  li: [],
  ol: [],
  p: [],
  pre: [],
  source: ["src", "type"],
  span: [],
  strong: [],
  sub: [],
  sup: [],
  table: [],
  tbody: [],
  td: ["colspan", "rowspan", "headers"],
  tfoot: [],
  th: ["colspan", "rowspan", "scope", "headers"],
  thead: [],
  tr: [],
  u: [],
  ul: [],
  video: ["controls", "autoplay", "loop", "muted", "poster", "src", "width", "height"],
}

const empty: ReadonlySet<string> = new Set(["br", "img", "source"])
/** Elements whose text is no text for people. */
const mute: ReadonlySet<string> = new Set(["script", "style", "template", "noscript", "textarea", "title", "select"])
const addresses: ReadonlySet<string> = new Set(["href", "src", "poster"])
/** What is always said of an element: a link tells nobody where it was, a frame is shut in. */
const always: Readonly<Record<string, string>> = {
  a: ' rel="noopener noreferrer nofollow"',
  iframe: ' sandbox="allow-scripts allow-popups" loading="lazy" referrerpolicy="no-referrer"',
}

/** Characters that are read, and elements inside elements (ours). */
const charsMax = 100_000
const depthMax = 60

/** Text as it stands in HTML, in an element or in quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

/** The HTML with nothing in it but what is allowed. */
export function makeSafeHtml(html: string): string {
  let made = ""
  let silent = 0
  const open: string[] = []
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (mute.has(name)) silent += 1
        if (silent > 0 || !Object.hasOwn(allowed, name) || open.length >= depthMax) return
        made += `<${name}${attributesText(name, attributes)}${always[name] ?? ""}>`
        if (!empty.has(name)) open.push(name)
      },
      ontext(text) {
        if (silent === 0) made += escapeHtml(text)
      },
      onclosetag(name) {
        if (mute.has(name)) silent -= 1
        const place = silent > 0 || mute.has(name) ? -1 : open.lastIndexOf(name)
        if (place < 0) return
        for (const left of open.splice(place).reverse()) made += `</${left}>`
      },
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  )
  parser.end(html.slice(0, charsMax))
  for (const left of open.reverse()) made += `</${left}>`
  return made
}

function attributesText(name: string, attributes: Readonly<Record<string, string>>): string {
  const kept = (allowed[name] ?? []).filter((key) => {
    const value = Object.hasOwn(attributes, key) ? attributes[key] : undefined
    return value !== undefined && (!addresses.has(key) || isWebAddress(value))
  })
  return kept.map((key) => ` ${key}="${escapeHtml(attributes[key] ?? "")}"`).join("")
}

/** Only addresses of the web (documented): no other scheme, and none that is left to the browser to guess. */
function isWebAddress(text: string): boolean {
  return /^https?:\/\/[^\s\\]+$/i.test(text) && text.length <= 2_000
}
