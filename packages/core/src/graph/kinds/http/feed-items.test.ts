import { describe, expect, it } from "vitest"
import { feedEntries } from "./feed-items.ts"

const rss = `<?xml version="1.0"?>
<rss version="2.0" xmlns:dc="d" xmlns:content="c"><channel><title>Feed</title>
  <item><title>One &amp; only</title><link>https://example.com/1</link><guid isPermaLink="false">g1</guid>
    <pubDate>Tue, 03 Feb 2026 10:00:00 GMT</pubDate><dc:creator>Ada</dc:creator>
    <description><![CDATA[<p>Hello <b>you</b></p>]]></description><content:encoded>&lt;i&gt;long&lt;/i&gt;</content:encoded>
    <category>a</category><category>b</category><enclosure url="https://example.com/a.mp3" type="audio/mpeg" length="1"/></item>
  <item><title/></item>
</channel></rss>`

const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><title>Feed</title>
  <entry><title type="html">Two</title><link rel="self" href="https://example.com/self"/><link href="https://example.com/2"/>
    <id>urn:2</id><updated>2026-02-03T10:00:00Z</updated><author><name>Bo</name></author>
    <summary>short</summary><content type="html">&lt;p&gt;Text&lt;/p&gt;</content><category term="x"/></entry>
</feed>`

describe("a feed", () => {
  it("of RSS gives its entries with the names that workflows know", () => {
    expect(feedEntries(rss)).toEqual([
      {
        title: "One & only",
        link: "https://example.com/1",
        guid: "g1",
        pubDate: "Tue, 03 Feb 2026 10:00:00 GMT",
        isoDate: "2026-02-03T10:00:00.000Z",
        creator: "Ada",
        "dc:creator": "Ada",
        content: "<p>Hello <b>you</b></p>",
        contentSnippet: "Hello you",
        "content:encoded": "<i>long</i>",
        "content:encodedSnippet": "long",
        categories: ["a", "b"],
        enclosure: { url: "https://example.com/a.mp3", type: "audio/mpeg", length: "1" },
      },
      {},
    ])
  })

  it("of Atom gives the same where it means the same", () => {
    expect(feedEntries(`\ufeff${atom}`)).toEqual([
      {
        title: "Two",
        link: "https://example.com/2",
        id: "urn:2",
        pubDate: "2026-02-03T10:00:00Z",
        isoDate: "2026-02-03T10:00:00.000Z",
        author: "Bo",
        summary: "short",
        content: "<p>Text</p>",
        contentSnippet: "Text",
        categories: ["x"],
      },
    ])
    expect(feedEntries("<rss><channel/></rss>")).toEqual([])
  })

  it.each([
    ["nothing", ""],
    ["a page", "<html><body>Hello</body></html>"],
    ["broken XML", "<rss><channel>"],
    [
      "an entity that grows",
      '<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel><item><title>&b;</title></item></channel></rss>',
    ],
    [
      "a file of the server",
      '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>',
    ],
    ["elements without an end", "<rss>".repeat(5_000)],
  ])("is refused where it is %s", (_what, text) => {
    expect(() => feedEntries(text)).toThrow(expect.objectContaining({ code: "HTTP_ERROR" }))
  })
})
