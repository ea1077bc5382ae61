namespace LlmGateway.Surfaces;

/// <summary>One whole tool call on its way to an Ollama client; <paramref name="Arguments"/> is OpenAI's text.</summary>
internal sealed record OllamaClientToolCall(string Id, string Name, string? Arguments);
