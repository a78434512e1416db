/**
 * Runs in the frame of an MCP App, before its code. The frame has an opaque origin and its own Content
 * Security Policy; the page sends the HTML of the App once, and this script writes it into the frame.
 */
// A policy stops WebRTC only in some browsers.
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection']) {
  Reflect.deleteProperty(window, name)
}
addEventListener('message', function receive({ source, data }) {
  if (source !== parent || typeof data?.html !== 'string') return
  removeEventListener('message', receive)
  document.open()
  document.write(data.html)
  document.close()
})
parent.postMessage({ ready: true }, '*')
