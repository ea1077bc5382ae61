using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Tools;

/// <summary>A function that the gateway runs itself when a model calls it.</summary>
internal interface ITool
{
    /// <summary>The name that models call it by: letters, digits, <c>_</c> and <c>-</c>, 64 at most.</summary>
    string Name { get; }

    /// <summary>What it does, for the model.</summary>
    string Description { get; }

    /// <summary>JSON schema of its arguments, an object, as UTF-8.</summary>
    ReadOnlyMemory<byte> Parameters { get; }

    /// <summary>Runs it. What goes wrong is an error text for the model; it throws only when it was cancelled.</summary>
    /// <param name="arguments">The model's arguments: a JSON object, unchecked.</param>
    /// <param name="config">The request's snapshot.</param>
    /// <param name="cancellationToken">The client is gone, or the tool's time is over.</param>
    ValueTask<ToolOutput> InvokeAsync(JsonElement arguments, GatewayConfig config, CancellationToken cancellationToken);
}
