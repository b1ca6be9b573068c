// Programs in the address: #1;VERSION;PROGRAM, the program deflated and in base64 for addresses.
import { VERSION } from "./build.js";

const FORMAT = "1";
const MOST_LETTERS = 20_000; // of a program
const LONGEST = 16_000; // letters of an address that is sure to arrive

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

// The part of an address behind #. Throws where the program is too long for one.
export async function fragmentOf(program) {
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(program));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const fragment = `${FORMAT};${VERSION};${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
  if (program.length > MOST_LETTERS || fragment.length > LONGEST) {
    throw Object.assign(new Error("Too long for a link"), { expected: true });
  }
  return fragment;
}

// What an address holds: {program, remark}; null for none. `program` is null where it cannot be read, and `remark` says why.
export async function programIn(hash) {
  const fragment = hash.replace(/^#/, "");
  if (!fragment) return null;
  if (fragment.length > LONGEST) return { program: null, remark: "This link is too long to be one of this page." };
  const [format, version, text] = fragment.replace(/%3b/gi, ";").split(";");
  if (text === undefined) return { program: null, remark: "This link holds no program." };
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
    return { program: null, remark: "This link is damaged: no program can be read from it." };
  }
}
