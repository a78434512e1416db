/** The completion scripts of the shells. Each runs the program's hidden command `__complete` to find what fits. */

/** `"$@"` of `__complete` are the words up to the cursor. It prints one candidate per line. */
export function shellScript(shell: 'bash' | 'zsh' | 'fish'): string {
  return SCRIPTS[shell].trim()
}

const SCRIPTS = {
  // Bash also splits words at "=" and ":". So the script reads the whole line, and cuts off the part of
  // each candidate before the last of these letters.
  bash: `
_streamable_mcp() {
  local line="\${COMP_LINE:0:COMP_POINT}" word="\${COMP_WORDS[COMP_CWORD]}" whole candidate
  local -a words
  read -ra words <<< "$line"
  [[ "$line" == *" " ]] && words+=("")
  whole="\${words[\${#words[@]}-1]}"
  [[ "$word" == [=:] ]] && word=""
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("\${candidate:\${#whole}-\${#word}}")
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
  [[ "\${#COMPREPLY[@]}" == 1 && "\${COMPREPLY[0]}" == *= ]] && compopt -o nospace
}
complete -F _streamable_mcp streamable-mcp streamable-mcp-cli
`,
  zsh: `
#compdef streamable-mcp streamable-mcp-cli
_streamable_mcp() {
  local -a candidates endless
  candidates=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  endless=("\${(@M)candidates:#*=}")
  candidates=("\${(@)candidates:#*=}")
  (( \${#endless} )) && compadd -S '' -- "\${endless[@]}"
  (( \${#candidates} )) && [[ -n "\${candidates[1]}" ]] && compadd -- "\${candidates[@]}"
}
compdef _streamable_mcp streamable-mcp streamable-mcp-cli
`,
  fish: `
function __streamable_mcp_complete
  set -l words (commandline -opc) (commandline -ct)
  command $words[1] __complete -- $words[2..-1] 2>/dev/null
end
complete -c streamable-mcp -f -a '(__streamable_mcp_complete)'
complete -c streamable-mcp-cli -f -a '(__streamable_mcp_complete)'
`,
} as const
