// The editor of the rules: CodeMirror in place of the text field, with what the hub knows about the language.
// Built into hub/web/static/editor.js; see README.md. Without it the text field and its buttons do the same.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { forceLinting, lintGutter, lintKeymap, linter } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const TYPING = 300; // milliseconds of rest before mistakes are asked for
const TRYING = 800; // and before the last orders are tried
const KINDS = { key: "property", value: "enum", field: "variable", action: "method", filter: "function" };
const nonce = document.currentScript.nonce;

function start(field) {
  const form = field.form;
  const status = document.querySelector("#problems-status");
  const list = document.querySelector("#problems");
  const effect = document.querySelector("#effect");

  async function ask(path, more = {}, signal) {
    const body = new URLSearchParams({ form: form.elements.form.value, ...more });
    const answer = await fetch(path, { method: "POST", body, signal });
    if (!answer.ok) {
      throw Object.assign(new Error(path), { status: answer.status });
    }
    return answer;
  }

  // The hub counts characters, the browser counts UTF-16: a smiley is two of the browser's.
  function place(state, at) {
    const line = state.doc.lineAt(at);
    return { text: state.doc.toString(), line: line.number - 1, column: [...line.text.slice(0, at - line.from)].length };
  }

  function position(state, number, column) {
    const line = state.doc.line(Math.max(1, Math.min(number, state.doc.lines)));
    return line.from + [...line.text].slice(0, column).join("").length;
  }

  async function complete(context) {
    if (!context.explicit && !context.matchBefore(/[\w#.{|:[-] ?/)) {
      return null;
    }
    const stop = new AbortController();
    context.addEventListener("abort", () => stop.abort());
    try {
      const found = await (await ask("/rules/complete", place(context.state, context.pos), stop.signal)).json();
      const line = context.state.doc.lineAt(context.pos);
      const options = found.offers.map((one) => ({
        label: one.text,
        type: KINDS[one.kind],
        info: one.help || undefined,
        apply: (view, _option, from, to) => {
          const isKeyAlready = one.kind === "key" && view.state.sliceDoc(to, to + 1) === ":";
          const insert = isKeyAlready ? one.text : one.typed;
          view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length } });
        },
      }));
      return { from: position(context.state, line.number, found.from), options, validFor: /^[\w#. -]*$/ };
    } catch {
      return null; // the hub is away for a moment: one can type without being helped
    }
  }

  async function hover(view, at) {
    try {
      const { about } = await (await ask("/rules/hover", place(view.state, at))).json();
      return about && { pos: at, above: true, create: () => ({ dom: textOf("div", about, "about") }) };
    } catch {
      return null;
    }
  }

  async function problems(view) {
    const { state } = view;
    let found;
    try {
      found = await (await ask("/rules/problems", { text: state.doc.toString() })).json();
    } catch {
      status.textContent = "The hub does not answer; mistakes are not shown for the moment.";
      return [];
    }
    if (view.state.doc !== state.doc) {
      return []; // typed on meanwhile: asked for again
    }
    tell(view, found);
    return found.problems.map((one) => diagnostic(state, one));
  }

  function diagnostic(state, one) {
    const from = position(state, one.line, one.column - 1);
    const message = one.suggestion ? `${one.message}\n→ ${one.suggestion}` : one.message;
    const actions = one.line_instead === null ? [] : [{ name: "Correct", apply: (view) => correct(view, one) }];
    const to = Math.max(from, position(state, one.line, one.end));
    return { from, to, severity: one.is_warning ? "warning" : "error", message, actions };
  }

  function correct(view, one) {
    const line = view.state.doc.line(one.line);
    view.dispatch({ changes: { from: line.from, to: line.to, insert: one.line_instead } });
    view.focus();
  }

  function tell(view, found) {
    status.textContent = found.said;
    status.className = `state ${found.state}`;
    list.replaceChildren(
      ...found.problems.map((one) => {
        const item = document.createElement("li");
        const there = textOf("button", `Line ${one.line}`, "quiet");
        there.type = "button";
        there.addEventListener("click", () => {
          const anchor = position(view.state, one.line, one.column - 1);
          view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
          view.focus();
        });
        item.append(there, ` ${one.message}`);
        if (one.suggestion) {
          item.append(document.createElement("br"), `→ ${one.suggestion}`);
        }
        if (one.line_instead !== null) {
          const button = textOf("button", `Correct line ${one.line}`, "quiet");
          button.type = "button";
          button.addEventListener("click", () => correct(view, one));
          item.append(" ", button);
        }
        return item;
      }),
    );
    if (!found.problems.length) {
      attempt(view, TRYING - TYPING);
    }
  }

  let waiting = 0;
  let tried = null;
  function attempt(view, after) {
    clearTimeout(waiting);
    const { doc } = view.state;
    waiting = setTimeout(async () => {
      if (tried === doc) {
        return;
      }
      try {
        const answer = await ask("/rules/effect", { text: doc.toString() });
        if (view.state.doc === doc) {
          effect.innerHTML = await answer.text();
          tried = doc;
        }
      } catch (error) {
        if (error.status === 429 && view.state.doc === doc) {
          attempt(view, 2 * TRYING); // somebody else's rules are being tried
        }
      }
    }, after);
  }

  const view = new EditorView({
    parent: document.querySelector("#editor"),
    state: EditorState.create({
      doc: field.value,
      extensions: [
        EditorView.cspNonce.of(nonce),
        lineNumbers(),
        lintGutter(),
        highlightActiveLineGutter(),
        highlightActiveLine(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        search({ top: true }),
        highlightSelectionMatches(),
        autocompletion({ override: [complete] }),
        hoverTooltip(hover),
        linter(problems, { delay: TYPING }),
        yaml(),
        syntaxHighlighting(colours),
        look,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-labelledby": "editor-label",
          "aria-describedby": "editor-help",
          tabindex: "0",
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) {
            field.value = update.state.doc.toString();
            clearTimeout(waiting);
          }
        }),
        EditorView.domEventHandlers({ beforeinput: replace }),
        // Tab is not taken: it leads out of the editor, as people who use the keyboard alone need it.
        keymap.of([
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...searchKeymap,
          ...historyKeymap,
          ...completionKeymap,
          ...lintKeymap,
        ]),
      ],
    }),
  });
  const label = field.closest("label");
  label.after(field); // its name is the editor's now
  label.addEventListener("click", () => view.focus());
  field.hidden = true;
  document.querySelector("#editor-help").hidden = false;
  forceLinting(view);
}

// Browsers that type over several lines themselves keep their look as inline styles, which the page does not allow.
function replace(event, view) {
  const { data, inputType, isComposing } = event;
  const { main } = view.state.selection;
  if (inputType !== "insertText" || !data || isComposing || main.empty) {
    return false;
  }
  event.preventDefault();
  const typed = () => view.state.update(view.state.replaceSelection(data), { userEvent: "input.type" });
  const isTaken = view.state
    .facet(EditorView.inputHandler)
    .some((handle) => handle(view, main.from, main.to, data, typed));
  if (!isTaken) {
    view.dispatch(typed());
  }
  return true;
}

function textOf(name, text, className) {
  const element = document.createElement(name);
  element.textContent = text;
  element.className = className;
  return element;
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: tags.comment, color: "var(--quiet)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.keyword, tags.meta, tags.labelName, tags.typeName], color: "var(--wait)" },
]);

const look = EditorView.theme({
  "&": { background: "var(--ground)", border: "1px solid var(--edge)", borderRadius: ".3rem", color: "var(--text)" },
  "&.cm-focused": { outline: "3px solid var(--accent)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: "ui-monospace, monospace", fontSize: ".9rem", lineHeight: "1.45", maxHeight: "70vh" },
  // The ring is around the whole editor; this one is seen where a system sets the colours itself.
  ".cm-content": { caretColor: "var(--text)", minHeight: "20rem", outline: "2px solid transparent" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": {
    background: "var(--chosen) !important",
  },
  ".cm-gutters": { background: "var(--raised)", borderRight: "1px solid var(--line)", color: "var(--quiet)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--active)" },
  ".cm-tooltip, .cm-panels": { background: "var(--raised)", border: "1px solid var(--edge)", color: "var(--text)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    background: "var(--accent)",
    color: "var(--ground)",
  },
  ".cm-tooltip .about, .cm-tooltip.cm-completionInfo": { maxWidth: "min(26rem, 65vw)", padding: ".3rem .6rem" },
  // No pictures in addresses of their own (data:), which the page does not allow: shapes.
  ".cm-lint-marker": { height: ".8em", width: ".8em" },
  ".cm-lint-marker-error": { background: "var(--bad)", borderRadius: "50%", content: "normal" },
  ".cm-lint-marker-warning": {
    background: "var(--wait)",
    clipPath: "polygon(50% 0, 100% 100%, 0 100%)",
    content: "normal",
  },
  ".cm-lintRange": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecorationColor: "var(--wait)" },
  ".cm-lintRange-error": { backgroundImage: "none" },
  ".cm-diagnosticAction": { background: "var(--accent)", color: "var(--ground)" },
  ".cm-diagnostic": { whiteSpace: "pre-wrap" },
  ".cm-textfield, .cm-button": {
    background: "var(--ground)",
    backgroundImage: "none",
    border: "1px solid var(--edge)",
    color: "var(--text)",
  },
});

const field = document.querySelector("textarea.file");
if (field) {
  start(field);
}
