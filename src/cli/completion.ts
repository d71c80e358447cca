/** What shells need to complete commands, flags and the names that flags take. */
import type { Command } from "./command.ts";
import { FLAGS, LETTERS } from "./flags.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

type Commands = Readonly<Record<string, Command>>;

const EVERYWHERE = ["json", "help"];

/** What may stand behind a flag; none: anything, as a file's name. */
function namesBehind(flag: string): readonly string[] {
  const known = FLAGS.get(flag)!;
  return "kind" in known ? known.kind.names ?? [] : [];
}

const taken = ({ flags }: Command) => [...flags, ...EVERYWHERE];

/** A script for a shell, to be read by it: `source <(kvcap completion bash)`. */
export function completion(shell: Shell, commands: Commands): string {
  if (shell === "fish") return fish(commands);
  return shell === "bash" ? bash(commands) : `autoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
}

/** Where it has no words the shell completes names of files. */
function bash(commands: Commands): string {
  const words = (list: readonly string[]) => `COMPREPLY=($(compgen -W "${list.join(" ")}" -- "$cur"))`;
  const named = [...FLAGS.keys()].filter((flag) => namesBehind(flag).length > 0);
  const behind = [
    ...named.map((flag) => `    --${flag}) ${words(namesBehind(flag))}; return ;;`),
    `    help) ${words(Object.keys(commands))}; return ;;`,
    `    completion) ${words(SHELLS)}; return ;;`,
  ];
  const flags = Object.entries(commands).map(([name, command]) =>
    `    ${name}) ${words(taken(command).map((flag) => `--${flag}`))} ;;`
  );
  const first = [...Object.keys(commands), "help", "completion", "--help", "--version"];
  return `_kvcap() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  [[ $cur == = ]] && cur=
  [[ $prev == = ]] && prev=\${COMP_WORDS[COMP_CWORD-2]}
  case $prev in
${behind.join("\n")}
  esac
  if ((COMP_CWORD == 1)); then ${words(first)}; return; fi
  if [[ $cur != -* ]]; then return; fi
  case \${COMP_WORDS[1]} in
${flags.join("\n")}
  esac
}
complete -o default -F _kvcap kvcap`;
}

function fish(commands: Commands): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  const first = "-n __fish_use_subcommand -f";
  const about = Object.entries(commands).map(([name, { about }]) =>
    `complete -c kvcap ${first} -a ${name} -d ${quoted(about)}`
  );
  const flags = [...FLAGS.values()].map(({ name, value }) => {
    const takers = Object.keys(commands).filter((command) => taken(commands[command]).includes(name));
    if (takers.length === 0) return "";
    const names = namesBehind(name);
    const behind = names.length > 0 ? ` -x -a ${quoted(names.join(" "))}` : value === "" ? "" : " -r";
    const letter = LETTERS[name] ? ` -s ${LETTERS[name]}` : "";
    return `complete -c kvcap -n '__fish_seen_subcommand_from ${takers.join(" ")}' -l ${name}${letter}${behind}`;
  });
  return [
    ...about,
    `complete -c kvcap ${first} -a 'help completion'`,
    `complete -c kvcap -n '__fish_seen_subcommand_from help' -f -a ${quoted(Object.keys(commands).join(" "))}`,
    `complete -c kvcap -n '__fish_seen_subcommand_from completion' -f -a ${quoted(SHELLS.join(" "))}`,
    ...flags.filter(Boolean),
  ].join("\n");
}
