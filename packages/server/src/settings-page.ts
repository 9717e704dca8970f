import { type Setting, settings } from "./settings-table.ts"

/** The text of `docs/settings.md`, made from the table of settings. The file is committed and compared in a test. */
export function settingsPage(): string {
  const rows = Object.entries(settings) as [string, Setting][]
  const groups = [...new Set(rows.map(([, setting]) => setting.group))]
  const chapters = groups.map((group) => {
    const lines = rows.filter(([, setting]) => setting.group === group).map(([name, setting]) => line(name, setting))
    return [
      `## ${group}`,
      "",
      "| setting | unit | default | range | what it does |",
      "| --- | --- | --- | --- | --- |",
      ...lines,
    ].join("\n")
  })
  return `${[HEAD, ...chapters].join("\n\n")}\n`
}

const HEAD = `# Settings

Everything is set by environment variables, read once at the start; a variable that is empty counts as not set. Where
something does not fit, Brevet does not start and lists all faults at once. A variable that begins with \`BREVET_\` and is
not listed here is a fault too. The upper end of a range is a hard ceiling. Lists are separated by
commas. Settings marked "secret" are never printed or logged.

This page is made from the table in \`packages/server/src/settings-table.ts\` by \`npm run generate\`.`

function line(name: string, { unit, default: value, range, description, secret }: Setting): string {
  const cells = [
    `\`${name}\``,
    unit,
    value === null ? "–" : `\`${value}\``,
    range === undefined ? "" : `${range.min} to ${range.max}`,
    `${description}${secret ? " Secret." : ""}`,
  ]
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`
}
