/** A random handler under random deaths of its process comes to what it comes to when it runs undisturbed. */
import { it } from 'vitest'
import { checkReplays } from '../support/task-replays.ts'

it('is so for ten handlers and three dying processes each', () => checkReplays(10))
