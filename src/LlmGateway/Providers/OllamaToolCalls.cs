using System.Text;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Reads the parts of a tool call as OpenAI's clients want them: an id always, arguments as text.</summary>
internal static class OllamaToolCalls
{
    public static WireText ReadId(ReadOnlySpan<byte> json, in OllamaLine.ToolCall call, Func<Guid> newGuid) =>
        call.Id.Length > 2 ? WireText.Json(call.Id.Of(json)) : WireText.Plain(Encoding.ASCII.GetBytes($"call_{newGuid():N}"));

    /// <summary>An object's JSON is the text; no arguments are the empty object. A string is text already (older servers and proxies).</summary>
    public static WireText ReadArguments(ReadOnlySpan<byte> json, in OllamaLine.ToolCall call)
    {
        var raw = call.Arguments.Of(json);
        if (raw.Length <= 2)
        {
            return WireText.Plain("{}"u8);
        }

        return raw[0] == (byte)'"' ? WireText.Json(raw) : WireText.Plain(raw);
    }
}
