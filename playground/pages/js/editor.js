// The program editor. It marks the line that raised an error.
import {
  basicSetup, Decoration, EditorState, EditorView, HighlightStyle, indentUnit, keymap, python, StateEffect, StateField,
  syntaxHighlighting, tags,
} from "../vendor/codemirror.js";

const setErrorLine = StateEffect.define();
const mark = Decoration.line({ class: "error-line", attributes: { "aria-label": "line with the error" } });
const errorLine = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    let current = transaction.docChanged ? Decoration.none : marks;
    for (const effect of transaction.effects) {
      if (!effect.is(setErrorLine)) continue;
      const { doc } = transaction.state;
      const exists = effect.value >= 1 && effect.value <= doc.lines;
      current = exists ? Decoration.set([mark.range(doc.line(effect.value).from)]) : Decoration.none;
    }
    return current;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// Colours are CSS variables, so that they follow light, dark and presenter's mode.
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--code-keyword)", fontWeight: "bold" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.definition(tags.variableName)], color: "var(--code-name)" },
]);

export function makeEditor(parent, { text, onRun, onChange }) {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([{ key: "Ctrl-Enter", mac: "Cmd-Enter", preventDefault: true, run: () => (onRun(), true) },
          { key: "Ctrl-Enter", preventDefault: true, run: () => (onRun(), true) }]),
        basicSetup, python(), indentUnit.of("    "), syntaxHighlighting(colours), errorLine, EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "Python program", spellcheck: "false" }),
        EditorView.updateListener.of((update) => { if (update.docChanged) onChange(); }),
      ],
    }),
  });
  return {
    get text() { return view.state.doc.toString(); },
    set text(program) { view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: program } }); },
    markLine(line) {
      view.dispatch({ effects: setErrorLine.of(line) });
      if (line >= 1 && line <= view.state.doc.lines) {
        view.dispatch({ effects: EditorView.scrollIntoView(view.state.doc.line(line).from, { y: "nearest" }) });
      }
    },
    focus: () => view.focus(),
  };
}
