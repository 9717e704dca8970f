/** The part of jmespath that is used here: its parser. The package brings no types. */
declare module "jmespath" {
  const jmespath: {
    /** Reads an expression; throws an `Error` where it is not one. */
    compile(expression: string): unknown
  }
  export default jmespath
}
