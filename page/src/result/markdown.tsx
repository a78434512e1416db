/**
 * The common part of Markdown as elements. No HTML of the text becomes an element, images are not loaded,
 * and a link leads only to the web and shows where.
 */
import type { ComponentChildren } from 'preact'
import { webUrl } from '../json.ts'

/** Whether a text looks as if it were written in Markdown. */
export function isMarkdown(text: string): boolean {
  return /^(#{1,6} |[-*] |\d+\. |```|\|.+\|$|> )|\*\*[^*\n]+\*\*|`[^`\n]+`|\[[^\]\n]+\]\(/m.test(
    text,
  )
}

/** Longer texts are shown as they are. */
export const MOST_MARKDOWN = 100_000

export function Markdown({ text }: { readonly text: string }) {
  return <div class="markdown">{blocksOf(text.replaceAll('\r\n', '\n').split('\n'))}</div>
}

function blocksOf(lines: readonly string[]): ComponentChildren[] {
  const blocks: ComponentChildren[] = []
  const takeWhile = (from: number, fits: (line: string) => boolean) => {
    let to = from
    while (to < lines.length && fits(lines[to] ?? '')) to++
    return lines.slice(from, to)
  }
  for (let i = 0; i < lines.length; ) {
    const line = lines[i] ?? ''
    const [, marks, heading] = /^(#{1,6}) (.*)$/.exec(line) ?? []
    if (/^\s*```/.test(line)) {
      const code = takeWhile(i + 1, (one) => !/^\s*```/.test(one))
      blocks.push(<pre class="code">{code.join('\n')}</pre>)
      i += code.length + 2
    } else if (marks) {
      // Headings of a result stand below those of the page.
      const Heading = marks.length < 3 ? 'h4' : 'h5'
      blocks.push(<Heading>{inline(heading ?? '')}</Heading>)
      i++
    } else if (/^\s*([-*+]|\d+[.)]) /.test(line)) {
      const items = takeWhile(i, (one) => /^\s*([-*+]|\d+[.)]) /.test(one))
      const List = /^\s*\d/.test(line) ? 'ol' : 'ul'
      const texts = items.map((item) => item.replace(/^\s*([-*+]|\d+[.)]) /, ''))
      blocks.push(
        <List>
          {texts.map((item) => (
            <li>{inline(item)}</li>
          ))}
        </List>,
      )
      i += items.length
    } else if (/^\|.*\|\s*$/.test(line) && /^\|[\s:|-]+\|\s*$/.test(lines[i + 1] ?? '')) {
      const rows = takeWhile(i, (one) => /^\|.*\|\s*$/.test(one))
      blocks.push(tableOf(rows))
      i += rows.length
    } else if (line.startsWith('>')) {
      const quoted = takeWhile(i, (one) => one.startsWith('>'))
      blocks.push(
        <blockquote>{inline(quoted.map((one) => one.replace(/^> ?/, '')).join('\n'))}</blockquote>,
      )
      i += quoted.length
    } else if (line.trim() === '') {
      i++
    } else {
      const part = takeWhile(i, (one) => one.trim() !== '' && !/^(#{1,6} |\s*```|>)/.test(one))
      blocks.push(<p>{inline(part.join('\n'))}</p>)
      i += Math.max(part.length, 1)
    }
  }
  return blocks
}

function tableOf(rows: readonly string[]): ComponentChildren {
  const cells = (row = '') => row.trim().slice(1, -1).split('|')
  const [head, , ...body] = rows
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            {cells(head).map((cell) => (
              <th scope="col">{inline(cell.trim())}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((row) => (
            <tr>
              {cells(row).map((cell) => (
                <td>{inline(cell.trim())}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Code, bold, italics and links of one paragraph. */
function inline(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = []
  const pattern = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|\*([^*\n]+)\*|!?\[([^\]\n]*)\]\(([^)\s]+)\)/g
  let from = 0
  for (const match of text.matchAll(pattern)) {
    const [whole, code, bold, italic, label, target] = match
    parts.push(text.slice(from, match.index))
    from = match.index + whole.length
    if (code !== undefined) parts.push(<code>{code}</code>)
    else if (bold !== undefined) parts.push(<strong>{bold}</strong>)
    else if (italic !== undefined) parts.push(<em>{italic}</em>)
    else parts.push(<WebLink label={label || (target ?? '')} target={target ?? ''} />)
  }
  parts.push(text.slice(from))
  return parts
}

/** A link that shows its host, so that its text cannot pretend another one. */
export function WebLink({ label, target }: { readonly label: string; readonly target: string }) {
  const url = webUrl(target)
  if (!url) return <bdi>{label === target ? label : `${label} (${target})`}</bdi>
  return (
    <>
      <a href={url.href} target="_blank" rel="noopener noreferrer nofollow">
        <bdi>{label}</bdi>
      </a>
      {label !== target && <small> ({url.host})</small>}
    </>
  )
}
