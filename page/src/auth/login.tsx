/** The way in: a login at the authorization server that the server names, or a token that is typed in. */
import { useEffect, useState } from 'preact/hooks'
import type { HttpProblem } from '../mcp/http.ts'
import type { Credentials } from './credentials.ts'
import type { LoginOffer } from './oauth.ts'
import { beginLogin, discoverLogin, registerClient } from './oauth.ts'

interface LoginProps {
  readonly problem: HttpProblem
  readonly onLogin: (credentials: Credentials) => void
}

export function Login({ problem, onLogin }: LoginProps) {
  const [offer, setOffer] = useState<LoginOffer>()
  const [clientId, setClientId] = useState('')
  const [failure, setFailure] = useState('')
  const [token, setToken] = useState('')
  const [isBusy, setBusy] = useState(false)
  const fail = (error: unknown) => {
    setBusy(false)
    setFailure(error instanceof Error ? error.message : String(error))
  }
  useEffect(() => {
    discoverLogin(problem.challenge).then(setOffer, fail)
  }, [problem])
  const login = async () => {
    if (!offer) return
    setBusy(true)
    await beginLogin(offer, clientId.trim() || (await registerClient(offer)))
  }
  return (
    <section class="login" aria-labelledby="login">
      <h2 id="login">This server is protected</h2>
      {problem.message && <p class="hint">It says: {problem.message}</p>}
      {failure && (
        <p class="problem" role="alert">
          {failure}
        </p>
      )}
      {offer && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            login().catch(fail)
          }}
        >
          <p>
            Log in at <strong>{new URL(offer.authorizationEndpoint).host}</strong>
            {offer.scopes && <> for the scopes {offer.scopes}</>}.
          </p>
          <div class="field">
            <label for="client-id">
              Client id{offer.registrationEndpoint ? ', if you have one' : ' (required)'}
            </label>
            <p class="hint">
              Its redirect URI is <code>{location.origin + location.pathname}</code>
            </p>
            <input
              id="client-id"
              autocomplete="off"
              spellcheck={false}
              value={clientId}
              onInput={({ currentTarget }) => setClientId(currentTarget.value)}
            />
          </div>
          <button type="submit" class="primary" disabled={isBusy}>
            Log in
          </button>
        </form>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (token.trim()) onLogin({ accessToken: token.trim() })
        }}
      >
        <div class="field">
          <label for="token">{offer ? 'Or an access token' : 'Access token'}</label>
          <input
            id="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </div>
        <p class="hint">It is sent to this server alone, and kept until this tab is closed.</p>
        <button type="submit">Use the token</button>
      </form>
    </section>
  )
}
