/** Blocks of content: text, images, audio, resources and links to them. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { JsonObject } from '../json.ts'
import { bytesOf, isObject, objectOf, objectsOf, parseJson, pretty, textOf } from '../json.ts'
import { Data } from './data.tsx'
import { isMarkdown, Markdown, MOST_MARKDOWN, WebLink } from './markdown.tsx'

/** More text than this is shown on request. */
const MOST_TEXT = 50_000

/** Kinds that are shown by elements which run nothing. SVG in an `img` neither runs scripts nor loads files. */
const IMAGE = /^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)$/
const AUDIO = /^audio\/[\w.+-]+$/
const VIDEO = /^video\/[\w.+-]+$/

interface ContentProps {
  readonly block: unknown
  /** Reads a resource that a link names. */
  readonly onRead?: ((uri: string) => void) | undefined
}

export function Content({ block: given, onRead }: ContentProps) {
  const block = objectOf(given)
  const audience = objectOf(block.annotations).audience
  const note = Array.isArray(audience) ? `for ${audience.join(', ')}` : undefined
  return (
    <div class="block">
      {note && <small class="hint">{note}</small>}
      {body(block, onRead)}
    </div>
  )
}

function body(block: JsonObject, onRead: ContentProps['onRead']) {
  switch (block.type) {
    case 'text':
      return <Text text={String(block.text ?? '')} />
    case 'image':
    case 'audio':
      return <Media data={String(block.data ?? '')} type={String(block.mimeType ?? '')} />
    case 'resource':
      return <Resource contents={objectOf(block.resource)} />
    case 'resource_link':
      return <ResourceLink link={block} onRead={onRead} />
    default:
      return <Data value={block} />
  }
}

export function Text({ text }: { readonly text: string }) {
  const [all, setAll] = useState(false)
  const json = useMemo(() => (/^\s*[[{]/.test(text) ? parseJson(text) : undefined), [text])
  const markdown = useMemo(() => text.length < MOST_MARKDOWN && isMarkdown(text), [text])
  const [plain, setPlain] = useState(false)
  const rich = !plain && (json !== undefined || markdown)
  return (
    <>
      {rich && json !== undefined && <Data value={json} />}
      {rich && json === undefined && <Markdown text={text} />}
      {!rich && <pre class="text">{all ? text : text.slice(0, MOST_TEXT)}</pre>}
      {!rich && !all && text.length > MOST_TEXT && (
        <button type="button" class="quiet" onClick={() => setAll(true)}>
          Show all {text.length} characters
        </button>
      )}
      {(json !== undefined || markdown) && (
        <button type="button" class="quiet" onClick={() => setPlain(!plain)}>
          {plain ? 'Show formatted' : 'Show as plain text'}
        </button>
      )}
    </>
  )
}

export function Media({ data, type }: { readonly data: string; readonly type: string }) {
  const bytes = useMemo(() => bytesOf(data), [data])
  if (!bytes) return <p class="problem">The data is not base64.</p>
  const url = `data:${type};base64,${data.replaceAll('-', '+').replaceAll('_', '/')}`
  const label = `${type}, ${bytes.length} bytes`
  return (
    <figure>
      {IMAGE.test(type) && <img src={url} alt={`From the server: ${label}`} />}
      {AUDIO.test(type) && (
        <audio controls src={url}>
          <track kind="captions" />
        </audio>
      )}
      {VIDEO.test(type) && (
        <video controls src={url}>
          <track kind="captions" />
        </video>
      )}
      <figcaption>
        {label} <Download bytes={bytes} />
      </figcaption>
    </figure>
  )
}

/** Saves bytes as a file of no kind, so that no browser opens it as a page of this origin. */
function Download({ bytes }: { readonly bytes: Uint8Array<ArrayBuffer> }) {
  const [url, setUrl] = useState('')
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }))
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [bytes])
  return (
    <a href={url} download="result.bin">
      Save
    </a>
  )
}

export function Resource({ contents }: { readonly contents: JsonObject }) {
  const { text, blob } = contents
  const type = textOf(contents.mimeType) ?? ''
  return (
    <section class="resource" aria-label={`Resource ${String(contents.uri)}`}>
      <p class="hint">
        <bdi>{String(contents.uri)}</bdi> <small>{type}</small>
      </p>
      {typeof text === 'string' && <Text text={text} />}
      {typeof blob === 'string' && <Media data={blob} type={type} />}
    </section>
  )
}

interface LinkProps {
  readonly link: JsonObject
  readonly onRead: ContentProps['onRead']
}

function ResourceLink({ link, onRead }: LinkProps) {
  const uri = String(link.uri ?? '')
  return (
    <p class="link">
      <strong>
        <bdi>{textOf(link.title) ?? textOf(link.name) ?? uri}</bdi>
      </strong>{' '}
      <WebLink label={uri} target={uri} />
      {textOf(link.description) && <span class="hint"> {textOf(link.description)}</span>}{' '}
      {onRead && (
        <button type="button" class="quiet" onClick={() => onRead(uri)}>
          Read
        </button>
      )}
    </p>
  )
}

/** The result of a call, a prompt or a resource. */
export function Result({
  result,
  onRead,
}: { readonly result: JsonObject } & Pick<ContentProps, 'onRead'>) {
  const { structuredContent, messages, contents } = result
  // A server repeats structured content as text for older clients.
  const repeated = structuredContent === undefined ? undefined : pretty(structuredContent)
  const blocks = objectsOf(result.content).filter(
    ({ type, text }) => !(type === 'text' && repeated === pretty(parseJson(String(text)))),
  )
  const isEmpty = blocks.length === 0 && structuredContent === undefined && !messages && !contents
  return (
    <>
      {structuredContent !== undefined && <Data value={structuredContent} />}
      {blocks.map((block, i) => (
        <Content key={i} block={block} onRead={onRead} />
      ))}
      {objectsOf(messages).map((message, i) => (
        <section class="message" key={i} aria-label={`Message of ${String(message.role)}`}>
          <strong>{String(message.role)}</strong>
          {(Array.isArray(message.content) ? message.content : [message.content])
            .filter(isObject)
            .map((block, at) => (
              <Content key={at} block={block} onRead={onRead} />
            ))}
        </section>
      ))}
      {objectsOf(contents).map((one) => (
        <Resource key={String(one.uri)} contents={one} />
      ))}
      {isEmpty && <p class="hint">The result is empty.</p>}
    </>
  )
}
