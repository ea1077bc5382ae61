using System.Text;
using ModelContextProtocol.Protocol;

namespace LlmGateway.Tools.Mcp;

/// <summary>Writes an MCP tool's result as text for the model; what is no text is named.</summary>
internal static class McpResult
{
    public static ToolOutput Read(CallToolResult result)
    {
        var text = new StringBuilder();
        foreach (var block in result.Content)
        {
            if (text.Length > ToolRunner.MaxResultLength)
            {
                break;
            }

            text.Append(text.Length > 0 ? "\n" : "").Append(Describe(block));
        }

        if (text.Length == 0 && result.StructuredContent is { } structured)
        {
            text.Append(structured.GetRawText());
        }

        return new ToolOutput(text.Length == 0 ? "(no result)" : text.ToString(), result.IsError is true);
    }

    private static string Describe(ContentBlock block) => block switch
    {
        TextContentBlock text => text.Text,
        EmbeddedResourceBlock { Resource: TextResourceContents resource } => resource.Text,
        EmbeddedResourceBlock resource => $"[resource {resource.Resource.Uri}]",
        ResourceLinkBlock link => $"[resource {link.Uri}]",
        ImageContentBlock image => $"[image, {image.MimeType}]",
        AudioContentBlock audio => $"[audio, {audio.MimeType}]",
        _ => $"[{block.Type}]",
    };
}
