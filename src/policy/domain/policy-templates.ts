/** A starting point for a set: Cedar text that works as it stands; names in it are examples to be replaced. */
export interface PolicyTemplate {
  readonly name: string;
  readonly description: string;
  readonly cedar: string;
}

const PERMIT_GRANTED = `// What grants open is permitted, but for what follows.
permit(principal, action, resource);
`;

/**
 * Sets that teams use. They name no scope, so each is valid in every zone. Each text is a whole set, to be activated alone or cut into policies.
 */
export const POLICY_TEMPLATES: readonly PolicyTemplate[] = [
  {
    name: 'read-only-agent',
    description:
      'Agents read and never change anything: at the gateway only GET, HEAD and OPTIONS pass, and of MCP only what lists, reads and keeps the connection. ' +
      'Sessions with the label "writer" are exempt.',
    cedar: `${PERMIT_GRANTED}
forbid(principal, action, resource)
when {
  context has operation && context.operation has method &&
  !(["GET", "HEAD", "OPTIONS"].contains(context.operation.method)) &&
  !(context.operation has mcp_method)
}
unless { principal in Label::"writer" };

forbid(principal, action, resource)
when {
  context has operation && context.operation has mcp_method &&
  !(["initialize", "ping", "notifications/initialized", "notifications/cancelled", "tools/list", "resources/list",
     "resources/templates/list", "resources/read", "prompts/list", "prompts/get"].contains(context.operation.mcp_method))
}
unless { principal in Label::"writer" };
`,
  },
  {
    name: 'working-hours',
    description:
      'Authority exists on working days from 7 to 19 o’clock UTC only (weekday 0 is Sunday). Sessions with the label "on-call" are exempt.',
    cedar: `${PERMIT_GRANTED}
forbid(principal, action, resource)
when { context.time.hour < 7 || context.time.hour >= 19 || [0, 6].contains(context.time.weekday) }
unless { principal in Label::"on-call" };
`,
  },
  {
    name: 'break-glass',
    description:
      'Every day agents only read. A session with the label "break-glass" may change things, and an operator approves each mandate that it asks for.',
    cedar: `${PERMIT_GRANTED}
forbid(principal, action, resource)
when {
  context has operation && context.operation has method &&
  !(["GET", "HEAD", "OPTIONS"].contains(context.operation.method))
}
unless { principal in Label::"break-glass" };

@approval("operator")
forbid(principal in Label::"break-glass", action, resource);
`,
  },
  {
    name: 'four-eyes-for-writes',
    description:
      'Each call that changes something (POST, PUT, PATCH, DELETE, or an MCP tool) waits until an operator has approved this very call.',
    cedar: `${PERMIT_GRANTED}
@approval("operator")
forbid(principal, action, resource)
when {
  context has operation && context.operation has method &&
  ["POST", "PUT", "PATCH", "DELETE"].contains(context.operation.method) &&
  !(context.operation has mcp_method)
};

@approval("operator")
forbid(principal, action, resource)
when { context has operation && context.operation has mcp_method && context.operation.mcp_method == "tools/call" };
`,
  },
  {
    name: 'per-customer-confinement',
    description:
      'A session that works for one customer reaches that customer’s part of an API only: the label "customer:acme" opens paths under /customers/acme/. ' +
      'One block per customer; sessions without any of these labels are refused.',
    cedar: `// One block per customer.
permit(principal in Label::"customer:acme", action, resource);
forbid(principal in Label::"customer:acme", action, resource)
when { context has operation }
unless { context.operation has path && context.operation.path like "/customers/acme/*" };

permit(principal in Label::"customer:globex", action, resource);
forbid(principal in Label::"customer:globex", action, resource)
when { context has operation }
unless { context.operation has path && context.operation.path like "/customers/globex/*" };
`,
  },
  {
    name: 'mcp-tool-allow-list',
    description:
      'Of the tools of MCP servers only those named may be called, whatever grants say. Other operations are as granted.',
    cedar: `${PERMIT_GRANTED}
forbid(principal, action, resource)
when { context has operation && context.operation has mcp_method && context.operation.mcp_method == "tools/call" }
unless { context.operation has mcp_tool && ["search", "read_file", "list_directory"].contains(context.operation.mcp_tool) };
`,
  },
  {
    name: 'spend-limit',
    description:
      'Calls of MCP tools whose operations declare the argument "amount" as an integer: above 100 an operator approves this very call, above 1000 or below 0 it is refused. ' +
      'Sessions with the label "treasurer" need no approval. Tools that take an amount must declare it in `args`, or no policy can read it.',
    cedar: `${PERMIT_GRANTED}
@approval("operator")
forbid(principal, action, resource)
when {
  context has operation && context.operation has args && context.operation.args has amount &&
  context.operation.args.amount > 100
}
unless { principal in Label::"treasurer" };

forbid(principal, action, resource)
when {
  context has operation && context.operation has args && context.operation.args has amount &&
  (context.operation.args.amount > 1000 || context.operation.args.amount < 0)
};
`,
  },
];
