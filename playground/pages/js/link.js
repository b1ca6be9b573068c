// Programs in URLs: #1;VERSION;PROGRAM, with the program deflated and encoded in URL-safe base64.
import { VERSION } from "./build.js";

const FORMAT = "1";
const MOST_LETTERS = 20_000; // characters of a program
const LONGEST = 16_000; // characters of a URL that all common programs accept

async function through(stream, bytes, most = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const pieces = [];
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(pieces).arrayBuffer());
    size += value.length;
    if (size > most) throw new Error("too long");
    pieces.push(value);
  }
}

// Returns the part of a URL after #. Throws if the program is too long for it.
export async function fragmentOf(program) {
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(program));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const fragment = `${FORMAT};${VERSION};${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
  if (program.length > MOST_LETTERS || fragment.length > LONGEST) {
    throw Object.assign(new Error("Too long for a link"), { expected: true });
  }
  return fragment;
}

// Decodes a URL to {program, remark}, or null without a program. `program` is null if unreadable; `remark` has the reason.
export async function programIn(hash) {
  const fragment = hash.replace(/^#/, "");
  if (!fragment) return null;
  if (fragment.length > LONGEST) return { program: null, remark: "This link is too long to come from this page." };
  const [format, version, text] = fragment.replace(/%3b/gi, ";").split(";");
  if (text === undefined) return { program: null, remark: "This link contains no program." };
  if (format !== FORMAT) {
    return { program: null, remark: `This link is of format ${format.slice(0, 20)}, which this page (version ${VERSION}, format ${FORMAT}) cannot read.` };
  }
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const program = new TextDecoder("utf-8", { fatal: true }).decode(
      await through(new DecompressionStream("deflate-raw"), bytes, 4 * MOST_LETTERS));
    const older = version === VERSION ? "" :
      ` It was made with version ${version.slice(0, 20)}; this page runs ${VERSION}, which may differ.`;
    return { program, remark: `This program came with the link. It runs when you press Run.${older}` };
  } catch {
    return { program: null, remark: "This link is damaged: its program cannot be read." };
  }
}
