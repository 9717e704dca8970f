import { type Import, importsOf } from "../imports.ts"
import { isProduct, isTest, type SourceFile, sourcesOf } from "../project.ts"
import { apart, packageRooms, type Room, roomOf, rooms, sharedDoors } from "../rooms.ts"
import type { Breach, Rule } from "../rule.ts"

/** Arrows point one way: `rooms.ts` says which. */
export const direction: Rule = {
  name: "direction",
  sentence: "imports only in the directions that tidy/rooms.ts allows",
  check: (project) =>
    sourcesOf(project).flatMap((file) =>
      importsOf(project, file).flatMap((entry) => {
        const problem = problemOf(file, entry)
        if (problem === null) return []
        const subject = "file" in entry.target ? entry.target.file : entry.target.packageName
        return [{ file: file.path, line: entry.line, subject, message: problem } satisfies Breach]
      }),
    ),
}

function problemOf(file: SourceFile, entry: Import): string | null {
  const room = roomOf(file.path)
  if (room === null) return null
  if ("packageName" in entry.target)
    return isProduct(file.path) ? packageProblem(file.path, room, entry.target.packageName) : null
  const target = entry.target.file
  if (!target.startsWith("packages/")) {
    return file.path.startsWith("packages/") && entry.how !== "address" && isProduct(file.path)
      ? `imports ${target}: what is shipped may not need tools. Move it into a package`
      : null
  }
  if (isTest(file.path)) return packageBorderProblem(file.path, target)
  if (isTest(target)) return `imports ${target}, which is there for tests only. Move what is needed out of it`
  return roomProblem(room, entry, target) ?? apartProblem(file.path, target)
}

function roomProblem(room: Room, entry: Import, target: string): string | null {
  const targetRoom = roomOf(target)
  if (targetRoom === null || targetRoom === room || room.values.includes(targetRoom.name)) return null
  if (room.types.includes(targetRoom.name)) {
    return entry.how === "type"
      ? null
      : `${room.name} may import only types of ${targetRoom.name} (${target}). Write \`import type\`, or hand the value in`
  }
  const allowed = [...room.values, ...room.types.map((name) => `${name} (types)`)].join(", ") || "nothing else"
  return `${room.name} may not import ${targetRoom.name} (${target}). It may import ${allowed}: hand the thing in through a port, or move it to the room that it belongs to`
}

function packageProblem(path: string, room: Room, name: string): string | null {
  if (room.packages !== "any" && !room.packages.includes(name)) {
    return `${room.name} may not import the package ${name}; it may import ${room.packages.join(", ") || "none"}`
  }
  const kept = packageRooms.find(({ packages }) =>
    packages.some((entry) => (entry.endsWith("/") ? name.startsWith(entry) : name === entry)),
  )
  if (kept === undefined || room.name === "server/start") return null
  if (kept.folders.some((folder) => path.startsWith(folder))) return null
  return `the package ${name} is used only in ${kept.folders.join(", ")}. Ask that room through a port`
}

/** Tests may look into every room of their own package, and into those packages that the package itself may import. */
function packageBorderProblem(path: string, target: string): string | null {
  const [own, other] = [packageOf(path), packageOf(target)]
  if (own === other) return null
  const imported = rooms.filter(({ name }) => packageOfRoom(name) === own).flatMap(({ values }) => values)
  return imported.some((name) => packageOfRoom(name) === other)
    ? null
    : `a test of ${own} may not import ${other} (${target}): ${own} does not know that it exists`
}

function packageOfRoom(name: string): string {
  return name.split("/")[0] ?? ""
}

function packageOf(path: string): string {
  return path.split("/")[1] ?? ""
}

function apartProblem(path: string, target: string): string | null {
  const folder = apart.find((prefix) => path.startsWith(prefix) && target.startsWith(prefix))
  if (folder === undefined || sharedDoors.includes(target)) return null
  const member = (file: string): string => file.slice(folder.length).split("/")[0] ?? ""
  if (member(path) === member(target)) return null
  return `${folder}${member(path)} may not import ${folder}${member(target)} (${target}). What both need is a port, or core`
}
