import { posix } from "node:path"
import type { Project, ProjectFile } from "../project.ts"
import type { Breach, Rule } from "../rule.ts"

const decisionList = "docs/adr/README.md"

/** Pages that people find: links lead somewhere, and every decision stands in the list of decisions. */
export const links: Rule = {
  name: "links",
  sentence: "has no page with a dead link, and no decision that is not listed",
  check: (project) => {
    const pages = [...project.files.values()].filter(({ path }) => path.endsWith(".md"))
    return [...pages.flatMap((page) => deadLinks(project, page)), ...unlistedDecisions(project)]
  },
}

function deadLinks(project: Project, page: ProjectFile): readonly Breach[] {
  return page.text.split("\n").flatMap((row, index) =>
    [...row.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].flatMap(({ 1: target = "" }): readonly Breach[] => {
      if (/^[a-z]+:/.test(target)) return []
      const path = posix.normalize(posix.join(posix.dirname(page.path), target)).replace(/\/$/, "")
      const isThere = [...project.files.keys()].some((file) => file === path || file.startsWith(`${path}/`))
      if (isThere) return []
      const message = `${target} is not there: mend the link`
      return [{ file: page.path, line: index + 1, subject: target, message }]
    }),
  )
}

function unlistedDecisions(project: Project): readonly Breach[] {
  const list = project.files.get(decisionList)?.text ?? ""
  return [...project.files.keys()]
    .filter((path) => /^docs\/adr\/\d{4}-/.test(path) && !list.includes(`(${posix.basename(path)})`))
    .map((path) => ({ file: path, line: 1, message: `give it a row in ${decisionList}` }))
}
