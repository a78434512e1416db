/** The behaviour suite through API Gateway and Lambda, several processes at once, each frozen when it has nothing to do. */

import { behaviour } from '../behaviour.ts'
import { bundle } from './bundle.ts'
import { restDoor } from './door.ts'

const taskRoot = bundle('fixture/server.ts')

// Lambda is never told that a client has left, and freezes a process whose reply has ended.
behaviour('behaviour, through the REST API', (options) => restDoor({ taskRoot, options }), [
  'disconnect',
  'background',
])
