/** Lint rules of this repository that no package offers; eslint.config.mjs switches them on. */

const MAX_PARAMS = 4;
const MAX_DEPENDENCIES = 6;

/** A constructor's parameters are its dependencies and may be six; everything else takes at most four. */
const maxParams = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { many: '{{what}} takes {{count}} parameters, at most {{limit}}.' },
  },
  create(context) {
    const check = (node) => {
      const isConstructor = node.parent.type === 'MethodDefinition' && node.parent.kind === 'constructor';
      const limit = isConstructor ? MAX_DEPENDENCIES : MAX_PARAMS;
      if (node.params.length <= limit) return;
      const what = isConstructor ? 'A constructor' : 'A function';
      context.report({ node, messageId: 'many', data: { what, count: node.params.length, limit } });
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

/** `eslint-disable…` must say why, after ` -- `. */
const disableNeedsReason = {
  meta: { type: 'problem', schema: [], messages: { reason: 'Say why: `{{directive}} <rule> -- <reason>`.' } },
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          const directive = /^\s*(eslint-disable(?:-next-line|-line)?)(?=\s|$)/.exec(comment.value)?.[1];
          if (!directive || /\s-{2,}\s+\S/.test(comment.value)) continue;
          // Column -1 lies before the comment, so that the comment cannot silence this report.
          const { start, end } = comment.loc;
          const loc = { start: { line: start.line, column: -1 }, end };
          context.report({ loc, messageId: 'reason', data: { directive } });
        }
      },
    };
  },
};

export const rules = { 'max-params': maxParams, 'disable-needs-reason': disableNeedsReason };
