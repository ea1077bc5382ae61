namespace LlmGateway.Model;

/// <summary>The conversation that a request goes on with.</summary>
/// <param name="Id">Its id as the client knows it: 1 to 128 of <c>[A-Za-z0-9._-]</c>.</param>
/// <param name="Kind">Where the id comes from.</param>
public sealed record SessionRef(string Id, SessionKind Kind)
{
    /// <summary>Made by the gateway for this request.</summary>
    public static SessionRef New() => new(Guid.NewGuid().ToString(), SessionKind.New);
}
