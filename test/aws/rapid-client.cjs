/**
 * Stands in for `rapid-client.node`, the native part of Lambda's runtime client: it fetches the next
 * invocation and delivers what handlers that do not stream return. `tools.sh` puts it in place.
 */

const http = require('node:http')

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const agent = new http.Agent({ keepAlive: true })

function call(method, path, body, headers) {
  return new Promise((resolve, reject) => {
    const options = {
      hostname,
      port,
      agent,
      method,
      path: `/2018-06-01/runtime/invocation/${path}`,
    }
    const request = http.request({ ...options, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ bodyJson: text, headers: response.headers }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

// The native functions block until their answer is delivered; here the next fetch waits for it.
let delivered = Promise.resolve()

module.exports = {
  async next() {
    await delivered
    return call('GET', 'next')
  },
  done(id, body) {
    delivered = call('POST', `${id}/response`, body, { 'content-type': 'application/json' })
  },
  error(id, body, xray) {
    delivered = call('POST', `${id}/error`, body, {
      'content-type': 'application/json',
      'lambda-runtime-function-xray-error-cause': encodeURIComponent(xray),
    })
  },
}
