/** Dot segments of a path. URL parsers remove them, so `/x/../mcp` would reach `/mcp` although a proxy protects that path. */

/** One `.` or `..` between slashes, plain or percent-encoded (https://url.spec.whatwg.org/#double-dot-path-segment). */
const DOT_SEGMENT = /(?<=[/\\])(?:\.|%2e){1,2}(?=[/\\]|$)/gi

/** Whether the path of a request target has a dot segment. */
export function hasDotSegment(target: string): boolean {
  const [path = ''] = target.split(/[?#]/, 1)
  return path.search(DOT_SEGMENT) >= 0
}

/** Encodes the dots, so that the URL keeps the segments and matches no route that it would match without them. */
export function keepDotSegments(path: string): string {
  return path.replace(DOT_SEGMENT, (segment) => segment.replaceAll(/\.|%2e/gi, '%252e'))
}
