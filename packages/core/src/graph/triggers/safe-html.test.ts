import fc from "fast-check"
import { Parser } from "htmlparser2"
import { describe, expect, it } from "vitest"
import { escapeHtml, makeSafeHtml } from "./safe-html.ts"

describe("HTML of a form's author", () => {
  it("keeps what formats, links and shows", () => {
    const html = '<h2>Hi <em>you</em></h2><ul><li>a &amp; b</li></ul><img src="https://x.example/a.png" alt="A">'
    expect(makeSafeHtml(html)).toBe(
      '<h2>Hi <em>you</em></h2><ul><li>a &#38; b</li></ul><img src="https://x.example/a.png" alt="A">',
    )
  })

  it("has links that tell nobody where they were, and frames that are shut in", () => {
    expect(makeSafeHtml('<a href="https://x.example/?a=1&b=2" onclick="x()">l</a>')).toBe(
      '<a href="https://x.example/?a=1&#38;b=2" rel="noopener noreferrer nofollow">l</a>',
    )
    expect(makeSafeHtml('<iframe src="https://x.example" sandbox="allow-same-origin"></iframe>')).toBe(
      '<iframe src="https://x.example" sandbox="allow-scripts allow-popups" loading="lazy" referrerpolicy="no-referrer"></iframe>',
    )
  })

  it.each([
    ["<script>alert(1)</script>a", "a"],
    ["<SCRIPT SRC=//x.example/x.js></SCRIPT>a", "a"],
    ["<style>*{display:none}</style>a", "a"],
    ["<form action=https://x.example><input name=a><button>b</button></form>", "b"],
    ["</form></main></body><b>a</b>", "<b>a</b>"],
    ["<b>a", "<b>a</b>"],
    ["<b><i>a</b>c", "<b><i>a</i></b>c"],
    ["<textarea><b>a</b></textarea>c", "c"],
    [
      "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
      '<a rel="noopener noreferrer nofollow">x</a>',
    ],
    [
      '<math><mtext><table><mglyph><style><!--</style><img title="--><img src=1 onerror=alert(1)>">',
      "<table><img></table>",
    ],
    ['<noscript><p title="</noscript><img src=x onerror=alert(1)>">', ""],
    ["<img src=x onerror=alert(1)>", "<img>"],
    ["<a href='javascript:alert(1)'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'],
    ["<a href=' https://x.example'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'],
    ["<a href='JaVaScRiPt:alert(1)//https://'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'],
    ["<a href='data:text/html,x'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'],
    ["<a href='//x.example'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'],
    [
      "<iframe srcdoc='<script>1</script>'></iframe>",
      '<iframe sandbox="allow-scripts allow-popups" loading="lazy" referrerpolicy="no-referrer"></iframe>',
    ],
    ["<p style='position:fixed' class=x id=y>a</p>", "<p>a</p>"],
    ["<base href='https://x.example'><meta http-equiv=refresh content=0><link rel=stylesheet href=x>a", "a"],
    ["<!--<script>-->a<!-- -->", "a"],
    ["&lt;script&gt;", "&#60;script&#62;"],
    ["<constructor>a</constructor><__proto__>b</__proto__>", "a&#60;__proto__&#62;b"],
  ])("%j becomes %j", (html, safe) => {
    expect(makeSafeHtml(html)).toBe(safe)
  })

  it("is bounded: a page of ten thousand open elements stays a small one", () => {
    expect(makeSafeHtml("<b>".repeat(10_000)).length).toBeLessThan(1_000)
    expect(makeSafeHtml(`${"a".repeat(200_000)}`).length).toBe(100_000)
  })

  it("whatever it was, has nothing but what is allowed, and is the same when it is made safe again", () => {
    const words = [
      "<b>",
      "</b>",
      "<script>",
      "</script>",
      '<a href="',
      '">',
      "<img src='",
      "'",
      "<!--",
      "-->",
      "<svg>",
      "<style>",
      "</style>",
      "<td>",
      "<table>",
      "onerror=1",
      "javascript:",
      "&lt;",
      "<textarea>",
      "]]>",
      "<![CDATA[",
    ]
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...words), fc.string()), { maxLength: 20 }), (pieces) => {
        const safe = makeSafeHtml(pieces.join(""))
        const seen: string[] = []
        const open: string[] = []
        new Parser({
          onopentag: (name, attributes) => {
            seen.push(name, ...Object.keys(attributes).filter((key) => key.startsWith("on")))
            open.push(name)
          },
          onclosetag: (name) => void open.splice(open.lastIndexOf(name), 1),
        }).end(safe)
        for (const name of seen) expect(["b", "a", "img", "td", "table"]).toContain(name)
        expect(open).toEqual([])
        expect(makeSafeHtml(safe)).toBe(safe)
      }),
    )
  })
})

describe("text in HTML", () => {
  it("is text, in an element and in quotes of either kind", () => {
    expect(escapeHtml(`<a b="c" d='e'>&`)).toBe("&#60;a b=&#34;c&#34; d=&#39;e&#39;&#62;&#38;")
  })
})
