/** How statements are carried out: for tests that hold reading by an index against reading everything. */
import type { Sql, Statement } from "../adapters/store/postgres/sql.ts"

/** The same database, and the statements that were run through it. */
export function recordStatements(sql: Sql): { readonly sql: Sql; readonly statements: Statement[] } {
  const statements: Statement[] = []
  return {
    statements,
    sql: {
      rows(statement) {
        statements.push(statement)
        return sql.rows(statement)
      },
      first(statement) {
        statements.push(statement)
        return sql.first(statement)
      },
    },
  }
}

/** The plan of a statement with its values, as one text. */
export async function planOf(sql: Sql, { text, values = [] }: Statement): Promise<string> {
  const lines = await sql.rows<{ "QUERY PLAN": string }>({ text: `EXPLAIN ${text}`, values })
  return lines.map((line) => line["QUERY PLAN"]).join("\n")
}
