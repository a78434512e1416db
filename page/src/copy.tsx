/** Text with a button that copies it. */
import { useState } from 'preact/hooks'

interface CopyProps {
  readonly label: string
  readonly text: string
}

export function Copy({ label, text }: CopyProps) {
  const [said, setSaid] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('Copied')
    } catch {
      setSaid('Select the text to copy it')
    }
    setTimeout(() => setSaid(''), 2_000)
  }
  return (
    <div class="copy">
      <p>
        <strong>{label}</strong>{' '}
        <button type="button" class="quiet" aria-label={`Copy: ${label}`} onClick={copy}>
          Copy
        </button>{' '}
        <span role="status">{said}</span>
      </p>
      <pre class="code">{text}</pre>
    </div>
  )
}
