//! From which records the messages of a conversation come.

/// From which records a message of a conversation comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// The records of a counted model call: what it was sent, and what it answered. Only these messages are compared
    /// with the prompts of later calls.
    ModelCall,
    /// The span of an agent, where its model calls lack the message, or have no messages at all.
    AgentSpan,
    /// The span of a workflow, where no model call and no agent has the message.
    WorkflowSpan,
    /// The spans of a runtime that delivers messages between agents.
    Delivery,
    /// The execution of a tool: the arguments that it was given, or the result that it returned, where no message of a
    /// model call has them.
    ToolExecution,
}
