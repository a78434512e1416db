/** Converts PNG images to sixels, for terminals that do not support another protocol. */

import { inflateSync } from 'node:zlib'

interface Bitmap {
  readonly width: number
  readonly height: number
  /** The red, green, blue and alpha of each pixel. */
  readonly pixels: Uint8Array
}

/** The largest number of pixels. Larger images are saved in a file. */
const LARGEST = 4_000_000

/** Returns undefined for an image that is too large, interlaced, or not a PNG with 8 bits per channel. */
export function sixelOf(png: Uint8Array): string | undefined {
  const bitmap = decodePng(Buffer.from(png))
  return bitmap === undefined ? undefined : encode(bitmap)
}

/** The number of channels by the color type of a PNG: gray, RGB, palette, gray with alpha, RGB with alpha. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

function decodePng(png: Buffer): Bitmap | undefined {
  if (png.length < 33 || png.readUInt32BE(0) !== 0x89504e47) return undefined
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const [depth, color = -1, , , interlace] = png.subarray(24, 29)
  const channels = CHANNELS[color]
  const usable = depth === 8 && interlace === 0 && width > 0 && height > 0
  if (!usable || channels === undefined || width * height > LARGEST) return undefined
  const data: Buffer[] = []
  let palette = Buffer.alloc(0)
  for (let at = 8; at + 12 <= png.length; ) {
    const length = png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    const body = png.subarray(at + 8, at + 8 + length)
    if (type === 'IDAT') data.push(body)
    if (type === 'PLTE') palette = Buffer.from(body)
    at += length + 12
  }
  const row = width * channels
  let raw: Buffer
  try {
    raw = inflateSync(Buffer.concat(data), { maxOutputLength: (row + 1) * height })
  } catch {
    return undefined
  }
  if (raw.length < (row + 1) * height) return undefined
  const samples = unfilter(raw, row, height, channels)
  return { width, height, pixels: toRgba(samples, width * height, color, channels, palette) }
}

/** Undoes the prediction of each row (PNG specification, section 9). */
function unfilter(raw: Buffer, row: number, height: number, step: number): Uint8Array {
  const out = new Uint8Array(row * height)
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)]
    for (let x = 0; x < row; x++) {
      const at = y * row + x
      const left = x >= step ? (out[at - step] ?? 0) : 0
      const up = y > 0 ? (out[at - row] ?? 0) : 0
      const corner = x >= step && y > 0 ? (out[at - row - step] ?? 0) : 0
      const guesses = [0, left, up, (left + up) >> 1, paeth(left, up, corner)]
      out[at] = (raw[y * (row + 1) + 1 + x] ?? 0) + (guesses[filter ?? 0] ?? 0)
    }
  }
  return out
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(guess - value)) as [
    number,
    number,
    number,
  ]
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

function toRgba(
  samples: Uint8Array,
  count: number,
  color: number,
  channels: number,
  palette: Buffer,
): Uint8Array {
  const pixels = new Uint8Array(count * 4)
  for (let index = 0; index < count; index++) {
    const [a = 0, b = 0, c = 0, d = 255] = samples.subarray(
      index * channels,
      (index + 1) * channels,
    )
    if (color === 3) pixels.set([...palette.subarray(a * 3, a * 3 + 3), 255], index * 4)
    else if (channels <= 2) pixels.set([a, a, a, channels === 2 ? b : 255], index * 4)
    else pixels.set([a, b, c, d], index * 4)
  }
  return pixels
}

/** The number of levels of each color, which makes the 216 web colors. */
const LEVELS = 6

function encode({ width, height, pixels }: Bitmap): string {
  const level = (value: number): number => Math.round((value / 255) * (LEVELS - 1))
  const colorAt = (x: number, y: number): number | undefined => {
    const [red = 0, green = 0, blue = 0, alpha = 0] = pixels.subarray(
      (y * width + x) * 4,
      (y * width + x) * 4 + 4,
    )
    if (alpha < 128) return undefined
    return (level(red) * LEVELS + level(green)) * LEVELS + level(blue)
  }
  const percent = (value: number): number => Math.round((value / (LEVELS - 1)) * 100)
  const defined = new Set<number>()
  let out = `\u001bPq"1;1;${width};${height}`
  for (let top = 0; top < height; top += 6) {
    const bands = new Map<number, Uint8Array>()
    for (let y = top; y < Math.min(top + 6, height); y++) {
      for (let x = 0; x < width; x++) {
        const color = colorAt(x, y)
        if (color === undefined) continue
        const band = bands.get(color) ?? new Uint8Array(width)
        band[x] = (band[x] ?? 0) | (1 << (y - top))
        bands.set(color, band)
      }
    }
    for (const [color, band] of bands) {
      if (!defined.has(color)) {
        const [red, green, blue] = [Math.floor(color / 36), Math.floor(color / 6) % 6, color % 6]
        out += `#${color};2;${percent(red)};${percent(green)};${percent(blue)}`
        defined.add(color)
      }
      out += `#${color}${runs(band)}$`
    }
    out += '-'
  }
  return `${out}\u001b\\`
}

/** Writes columns of six pixels. Equal neighbours are written as one with a count. */
function runs(band: Uint8Array): string {
  let out = ''
  for (let x = 0; x < band.length; ) {
    let end = x
    while (end < band.length && band[end] === band[x]) end += 1
    const letter = String.fromCharCode(63 + (band[x] ?? 0))
    out += end - x > 3 ? `!${end - x}${letter}` : letter.repeat(end - x)
    x = end
  }
  return out
}
