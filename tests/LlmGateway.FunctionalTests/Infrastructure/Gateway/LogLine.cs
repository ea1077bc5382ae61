using Microsoft.Extensions.Logging;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>One line of a gateway's log.</summary>
internal sealed record LogLine(LogLevel Level, string Category, int EventId, string Message, string Properties, Exception? Exception)
{
    public override string ToString() => $"{Level} {Category}[{EventId}] {Message} {Properties} {Exception}";
}
