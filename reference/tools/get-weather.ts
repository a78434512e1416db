/** `get_weather`: an invented temperature for a city and a day. The text says that it is invented. */
import * as v from 'valibot'
import type { Mcp } from '../../src/index.ts'

const Input = v.object({
  city: v.pipe(v.string(), v.nonEmpty(), v.description('Name of the city')),
})

const Output = v.object({
  city: v.string(),
  temperature: v.pipe(v.number(), v.description('Degrees Celsius, 15 to 35')),
  date: v.pipe(v.string(), v.description('UTC, YYYY-MM-DD')),
  simulated: v.literal(true),
})

export function getWeather(mcp: Mcp, clock: () => number = Date.now): void {
  mcp.tool(
    'get_weather',
    {
      title: 'Weather (simulated)',
      description:
        'Get the temperature of a city. Simulated: the same for a city all day (UTC), and not real.',
      input: Input,
      output: Output,
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ city }) => {
      const date = new Date(clock()).toISOString().slice(0, 10)
      const temperature = temperatureOf(city, date)
      return {
        content: [
          { type: 'text', text: `The temperature in ${city} is ${temperature}°C (simulated)` },
        ],
        structuredContent: { city, temperature, date, simulated: true },
      }
    },
  )
}

/** Returns 15 to 35. The case of the city's letters and spaces around it make no difference. */
export function temperatureOf(city: string, date: string): number {
  // FNV-1a: spreads well over so few values, and needs no library.
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(`${city.trim().toLowerCase()} ${date}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  }
  return 15 + (hash % 21)
}
