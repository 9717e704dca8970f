import { homedir } from "node:os"
import { dirname } from "node:path"
import type { Breach, Rule } from "../rule.ts"

/** What must stand in no file of the project. The patterns are written so that they do not match themselves. */
const banned: readonly { readonly pattern: RegExp; readonly message: string }[] = [
  {
    pattern: /\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/g,
    message: "unfinished work: finish it, or describe it where work is planned",
  },
  {
    pattern: /(?<![\w.:/-])(\/home\/|\/Users\/|[A-Z]:\\Users\\)\w+/g,
    message: "the path of somebody's machine: make it relative, or take it from the system",
  },
  {
    pattern: /(?<![\w.:/-])\/(tmp|workspace)\/\w/g,
    message: "a path of one machine: take a folder from os.tmpdir(), or write a relative path",
  },
  {
    pattern:
      /\bregistry\.[a-z0-9-]+\.[a-z]{2,}|\bnpm[j]s\.(org|com)|\bpypi\.[o]rg|\/artifactory\/|"resolved": "https?:/g,
    message: "the address of a package registry: everybody has their own, leave it to npm's configuration",
  },
]

/** Texts that tell about one machine or about unfinished work. */
export const texts: Rule = {
  name: "texts",
  sentence: "names no machine's paths, no registry and no unfinished work",
  check: (project) => {
    const patterns = [...banned, ...machinePatterns(project.root)]
    return [...project.files.values()].flatMap(({ path, text }) =>
      patterns.flatMap(({ pattern, message }) =>
        [...text.matchAll(pattern)].map(
          ({ 0: found, index }): Breach => ({
            file: path,
            line: text.slice(0, index).split("\n").length,
            subject: found,
            message: `"${found}" is ${message}`,
          }),
        ),
      ),
    )
  },
}

/** Folders that every system of this kind has: their names tell nothing about the machine. */
const systemFolders = /^\/(app|data|etc|lib|media|mnt|opt|run|srv|usr|var)(\/|$)/

/** The checkout's own folder, the folder around it and the home folder: whoever leaks them runs this test there. */
function machinePatterns(root: string | null): typeof banned {
  const folders = root === null ? [] : [root, dirname(root), homedir()]
  const telling = folders.filter((folder) => folder.length > 1 && (folder === root || !systemFolders.test(folder)))
  return [...new Set(telling)].map((folder) => ({
    pattern: new RegExp(`(?<![\\w.:/-])${folder.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}/\\w`, "g"),
    message: "a path of this machine: make it relative, or take it from the system",
  }))
}
