/** The completion script for bash. It needs neither the package bash-completion nor bash 4. */
export const BASH = `# bash completion for istio-upgrade
_istio_upgrade() {
  local line words word begun lines reply
  line=\${COMP_LINE:0:COMP_POINT}
  read -ra words <<< "$line"
  case $line in *[[:space:]]) words+=("") ;; esac
  word=\${words[\${#words[@]} - 1]}
  lines=$(istio-upgrade complete -- "\${words[@]:1}" 2>/dev/null) || return
  # The values of --flag= come without the flag, and bash replaces only what follows the last colon.
  begun=
  case $word in -*=*) word=\${word#*=} ;; esac
  case $COMP_WORDBREAKS$word in *:*:*) begun=\${word%"\${word##*:}"} ;; esac
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    printf -v reply %q "\${word#"$begun"}"
    [ -z "$word" ] || COMPREPLY+=("$reply")
  done <<< "\${lines%:*}"
  # The last line is :0 if file names are possible, too.
  [ "\${lines##*:}" = 0 ] || compopt +o default 2>/dev/null || true
}
complete -o default -F _istio_upgrade istio-upgrade
`;

/** The completion script for zsh. It works when it is sourced, and as a file in `fpath`. */
export const ZSH = `#compdef istio-upgrade
# zsh completion for istio-upgrade
if ! whence compdef >/dev/null; then
  print -u2 'istio-upgrade: completion in zsh needs compinit. Put this line before it in ~/.zshrc:'
  print -u2 '  autoload -Uz compinit && compinit'
  return 1
fi
_istio-upgrade() {
  local -a lines values flag
  local line
  lines=("\${(@f)$(istio-upgrade complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  # The values of --flag= come without the flag.
  [[ $words[CURRENT] == -*=* ]] && flag=(-P "\${words[CURRENT]%%=*}=")
  for line in "\${(@)lines[1,-2]}"; do
    # In a description, a colon ends the value.
    values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe -t values value values $flag && return
  # The last line is :0 if file names are possible, too.
  if [[ $lines[-1] == :0 ]]; then _files $flag; fi
}
if [[ $funcstack[1] == _istio-upgrade ]]; then
  _istio-upgrade "$@"
else
  compdef _istio-upgrade istio-upgrade
fi
`;
