/** What checks a JSON Web Token, of jose: by itself, so that a first token waits for nothing else of it. */
export * as errors from 'jose/errors'
export { createLocalJWKSet } from 'jose/jwks/local'
export { decodeJwt } from 'jose/jwt/decode'
export { jwtVerify } from 'jose/jwt/verify'
