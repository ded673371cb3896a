//! The table of frameworks. The lines are those of programs that were run with real versions, as of November 2026.

use super::{
    Code::{Exporting, Lines},
    Framework,
    Kind::{Agents, Client},
    Language::{Node, Python},
};

/// What an SDK for Python needs beside an instrumentation.
const PYTHON_SDK: &str = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http";

/// A row of Python, to be completed.
const PYTHON: Framework = Framework {
    name: "",
    language: Python,
    kind: Agents,
    packages: &[],
    install: &[],
    variables: &[],
    code: Lines(&[]),
    note: "",
};

/// A row of Node, to be completed.
const NODE: Framework = Framework { language: Node, ..PYTHON };

pub const SIDESEAT: Framework = Framework {
    name: "SideSeat SDK with Amazon Bedrock",
    packages: &["sideseat"],
    install: &["sideseat[aws]"],
    code: Lines(&["from sideseat import SideSeat, Frameworks", "SideSeat(framework=Frameworks.Bedrock)"]),
    note: "Plain `sideseat` sends only the roots of client.trace() and no model calls.",
    ..PYTHON
};

pub const STRANDS: Framework = Framework {
    name: "Strands Agents",
    packages: &["strands-agents"],
    install: &["strands-agents[otel]"],
    code: Lines(&[
        "from strands.telemetry import StrandsTelemetry",
        "StrandsTelemetry().setup_otlp_exporter()   # before the first Agent(…)",
    ]),
    ..PYTHON
};

pub const LANGGRAPH: Framework = Framework {
    name: "LangChain, LangGraph",
    packages: &["langgraph", "langchain", "langchain-core"],
    install: &["openinference-instrumentation-langchain", PYTHON_SDK],
    code: Exporting {
        imports: &["from openinference.instrumentation.langchain import LangChainInstrumentor"],
        then: &["LangChainInstrumentor().instrument(tracer_provider=provider)"],
    },
    ..PYTHON
};

pub const OPENAI_AGENTS: Framework = Framework {
    name: "OpenAI Agents SDK",
    packages: &["openai-agents"],
    install: &["openinference-instrumentation-openai-agents", PYTHON_SDK],
    code: Exporting {
        imports: &["from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor"],
        then: &["OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)"],
    },
    ..PYTHON
};

/// Every framework, those that run agents first.
pub const FRAMEWORKS: &[Framework] = &[
    SIDESEAT,
    STRANDS,
    LANGGRAPH,
    OPENAI_AGENTS,
    Framework {
        name: "CrewAI",
        packages: &["crewai"],
        install: &["openinference-instrumentation-crewai openinference-instrumentation-openai", PYTHON_SDK],
        code: Exporting {
            imports: &[
                "from openinference.instrumentation.crewai import CrewAIInstrumentor",
                "from openinference.instrumentation.openai import OpenAIInstrumentor",
            ],
            then: &[
                "CrewAIInstrumentor().instrument(tracer_provider=provider, skip_dep_check=True)",
                "OpenAIInstrumentor().instrument(tracer_provider=provider)   # the calls of models; of another provider: its own",
            ],
        },
        ..PYTHON
    },
    Framework {
        name: "LlamaIndex",
        packages: &["llama-index", "llama-index-core"],
        install: &["openinference-instrumentation-llama-index", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.llama_index import LlamaIndexInstrumentor"],
            then: &["LlamaIndexInstrumentor().instrument(tracer_provider=provider)"],
        },
        ..PYTHON
    },
    Framework {
        name: "AutoGen",
        packages: &["autogen-agentchat"],
        install: &["openinference-instrumentation-autogen-agentchat openinference-instrumentation-openai", PYTHON_SDK],
        code: Exporting {
            imports: &[
                "from openinference.instrumentation.autogen_agentchat import AutogenAgentChatInstrumentor",
                "from openinference.instrumentation.openai import OpenAIInstrumentor",
            ],
            then: &[
                "AutogenAgentChatInstrumentor().instrument(tracer_provider=provider, skip_dep_check=True)",
                "OpenAIInstrumentor().instrument(tracer_provider=provider)   # the calls of models",
            ],
        },
        ..PYTHON
    },
    Framework {
        name: "smolagents",
        packages: &["smolagents"],
        install: &["openinference-instrumentation-smolagents", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.smolagents import SmolagentsInstrumentor"],
            then: &["SmolagentsInstrumentor().instrument(tracer_provider=provider, skip_dep_check=True)"],
        },
        ..PYTHON
    },
    Framework {
        name: "Pydantic AI",
        packages: &["pydantic-ai", "pydantic-ai-slim"],
        install: &[PYTHON_SDK],
        code: Exporting {
            imports: &[
                "from pydantic_ai import Agent",
                "from pydantic_ai.models.instrumented import InstrumentationSettings",
            ],
            then: &["Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))"],
        },
        ..PYTHON
    },
    Framework {
        name: "Google ADK",
        packages: &["google-adk"],
        install: &[PYTHON_SDK],
        variables: &[("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")],
        code: Lines(&[
            "from google.adk.telemetry.setup import maybe_set_otel_providers",
            "maybe_set_otel_providers()   # before google.adk.agents is imported",
        ]),
        ..PYTHON
    },
    Framework {
        name: "Microsoft Agent Framework",
        packages: &["agent-framework", "agent-framework-core"],
        install: &["opentelemetry-exporter-otlp-proto-http"],
        variables: &[("ENABLE_INSTRUMENTATION", "true"), ("ENABLE_SENSITIVE_DATA", "true")],
        code: Lines(&[
            "from agent_framework.observability import configure_otel_providers",
            "configure_otel_providers(enable_sensitive_data=True)",
        ]),
        ..PYTHON
    },
    Framework {
        name: "Haystack",
        packages: &["haystack-ai"],
        install: &["openinference-instrumentation-haystack", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.haystack import HaystackInstrumentor"],
            then: &["HaystackInstrumentor().instrument(tracer_provider=provider)"],
        },
        ..PYTHON
    },
    Framework {
        name: "DSPy",
        packages: &["dspy", "dspy-ai"],
        install: &["openinference-instrumentation-dspy openinference-instrumentation-litellm", PYTHON_SDK],
        code: Exporting {
            imports: &[
                "from openinference.instrumentation.dspy import DSPyInstrumentor",
                "from openinference.instrumentation.litellm import LiteLLMInstrumentor",
            ],
            then: &[
                "DSPyInstrumentor().instrument(tracer_provider=provider)",
                "LiteLLMInstrumentor().instrument(tracer_provider=provider)   # the calls of models",
            ],
        },
        ..PYTHON
    },
    Framework {
        name: "Agno",
        packages: &["agno"],
        install: &["openinference-instrumentation-agno", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.agno import AgnoInstrumentor"],
            then: &["AgnoInstrumentor().instrument(tracer_provider=provider)"],
        },
        ..PYTHON
    },
    Framework {
        name: "BeeAI",
        packages: &["beeai-framework"],
        install: &["openinference-instrumentation-beeai", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.beeai import BeeAIInstrumentor"],
            then: &["BeeAIInstrumentor().instrument(tracer_provider=provider)"],
        },
        ..PYTHON
    },
    Framework {
        name: "Claude Agent SDK",
        packages: &["claude-agent-sdk"],
        install: &["openinference-instrumentation-claude-agent-sdk", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.claude_agent_sdk import ClaudeAgentSDKInstrumentor"],
            then: &["ClaudeAgentSDKInstrumentor().instrument(tracer_provider=provider)"],
        },
        ..PYTHON
    },
    Framework {
        name: "AI SDK",
        packages: &["ai"],
        install: &["@ai-sdk/otel @opentelemetry/sdk-node @opentelemetry/api"],
        code: Exporting {
            imports: &["import { registerTelemetry } from 'ai';", "import { OpenTelemetry } from '@ai-sdk/otel';"],
            then: &["registerTelemetry(new OpenTelemetry({ runtimeContext: true, usage: true }));"],
        },
        note: "Before version 7 there is no @ai-sdk/otel: give each call experimental_telemetry: { isEnabled: true }.",
        ..NODE
    },
    Framework {
        name: "Strands Agents",
        packages: &["@strands-agents/sdk"],
        install: &["@opentelemetry/api @opentelemetry/sdk-trace-node @opentelemetry/exporter-trace-otlp-proto"],
        code: Lines(&[
            "import { setupTracer } from '@strands-agents/sdk/telemetry';",
            "const provider = setupTracer({ exporters: { otlp: true } });   // `await provider.forceFlush()` at the end",
        ]),
        ..NODE
    },
    Framework {
        name: "OpenAI Agents SDK",
        packages: &["@openai/agents"],
        install: &["openai @arizeai/openinference-instrumentation-openai @opentelemetry/sdk-node"],
        code: Exporting {
            imports: &[
                "import OpenAI from 'openai';",
                "import { setDefaultOpenAIClient } from '@openai/agents';",
                "import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';",
            ],
            then: &["new OpenAIInstrumentation().manuallyInstrument(OpenAI);", "setDefaultOpenAIClient(new OpenAI());"],
        },
        ..NODE
    },
    Framework {
        name: "LangChain, LangGraph",
        packages: &["langchain", "@langchain/core", "@langchain/langgraph"],
        install: &["@arizeai/openinference-instrumentation-langchain @opentelemetry/sdk-node"],
        code: Exporting {
            imports: &[
                "import * as callbacks from '@langchain/core/callbacks/manager';",
                "import { LangChainInstrumentation } from '@arizeai/openinference-instrumentation-langchain';",
            ],
            then: &["new LangChainInstrumentation().manuallyInstrument(callbacks);"],
        },
        ..NODE
    },
    Framework {
        name: "Mastra",
        packages: &["@mastra/core"],
        install: &["@mastra/observability @mastra/otel-exporter @opentelemetry/exporter-trace-otlp-proto"],
        code: Lines(&[
            "import { Observability } from '@mastra/observability';",
            "import { OtelExporter } from '@mastra/otel-exporter';",
            "const endpoint = `${process.env.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`;",
            "const exporter = new OtelExporter({ provider: { custom: { endpoint, protocol: 'http/protobuf' } } });",
            "// in new Mastra({ … }):",
            "observability: new Observability({ configs: { otel: { serviceName: 'my-agent', exporters: [exporter] } } }),",
        ]),
        ..NODE
    },
    Framework {
        name: "Genkit",
        packages: &["genkit"],
        install: &["@opentelemetry/exporter-trace-otlp-proto@0.52.1"],
        variables: &[("GENKIT_ENV", "prod")],
        code: Lines(&[
            "import { enableTelemetry } from 'genkit/tracing';",
            "import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';",
            "import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';",
            "await enableTelemetry({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });",
        ]),
        note: "Genkit uses OpenTelemetry 1.x; packages of 2.x are another instance, and send nothing.",
        ..NODE
    },
    Framework {
        name: "OpenAI",
        kind: Client,
        packages: &["openai"],
        install: &["openinference-instrumentation-openai", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.openai import OpenAIInstrumentor"],
            then: &["OpenAIInstrumentor().instrument(tracer_provider=provider)"],
        },
        ..PYTHON
    },
    Framework {
        name: "Anthropic",
        kind: Client,
        packages: &["anthropic"],
        install: &["openinference-instrumentation-anthropic", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.anthropic import AnthropicInstrumentor"],
            then: &["AnthropicInstrumentor().instrument(tracer_provider=provider)"],
        },
        ..PYTHON
    },
    Framework {
        name: "Amazon Bedrock",
        kind: Client,
        packages: &["boto3"],
        install: &["openinference-instrumentation-bedrock", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.bedrock import BedrockInstrumentor"],
            then: &["BedrockInstrumentor().instrument(tracer_provider=provider)   # before boto3.client(…)"],
        },
        ..PYTHON
    },
    Framework {
        name: "Google GenAI",
        kind: Client,
        packages: &["google-genai"],
        install: &["openinference-instrumentation-google-genai", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.google_genai import GoogleGenAIInstrumentor"],
            then: &["GoogleGenAIInstrumentor().instrument(tracer_provider=provider)"],
        },
        ..PYTHON
    },
    Framework {
        name: "LiteLLM",
        kind: Client,
        packages: &["litellm"],
        install: &["openinference-instrumentation-litellm", PYTHON_SDK],
        code: Exporting {
            imports: &["from openinference.instrumentation.litellm import LiteLLMInstrumentor"],
            then: &["LiteLLMInstrumentor().instrument(tracer_provider=provider)"],
        },
        ..PYTHON
    },
    Framework {
        name: "OpenAI",
        kind: Client,
        packages: &["openai"],
        language: Node,
        install: &["@arizeai/openinference-instrumentation-openai @opentelemetry/sdk-node"],
        code: Exporting {
            imports: &[
                "import OpenAI from 'openai';",
                "import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';",
            ],
            then: &["new OpenAIInstrumentation().manuallyInstrument(OpenAI);"],
        },
        ..NODE
    },
];
