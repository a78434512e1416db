/** The part of jose that verifies a JSON Web Token. It is a file of its own so that the first token loads nothing else. */
export * as errors from 'jose/errors'
export { createLocalJWKSet } from 'jose/jwks/local'
export { decodeJwt } from 'jose/jwt/decode'
export { jwtVerify } from 'jose/jwt/verify'
