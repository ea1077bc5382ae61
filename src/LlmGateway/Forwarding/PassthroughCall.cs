using System.Diagnostics;
using LlmGateway.Model;
using LlmGateway.Ownership;

namespace LlmGateway.Forwarding;

/// <summary>One call that is passed on: what goes to the provider, and what became of it. One per request, kept as a feature.</summary>
internal sealed class PassthroughCall(GatewayRequest request, ProviderTarget target, HttpRequestMessage head)
{
    /// <summary>Under this option the call travels to the provider side.</summary>
    public static readonly HttpRequestOptionsKey<PassthroughCall> OptionsKey = new("llm_gateway.passthrough");

    public GatewayRequest Request { get; } = request;

    /// <summary>The provider, and a model that nobody knows before the answer tells it.</summary>
    public ProviderTarget Target { get; } = target;

    /// <summary>By its price the call's cost is set aside: the model that the body names; one that it may still name costs no more.</summary>
    public ProviderTarget Priced { get; init; } = target;

    /// <summary>The model that the body names; null where that was not read.</summary>
    public string? AskedModel { get; init; }

    /// <summary>The call's span; null where it is not traced.</summary>
    public Activity? Span { get; init; }

    /// <summary>Address and credentials, as the dialect made them.</summary>
    public HttpRequestMessage Head { get; } = head;

    /// <summary>What to look for in the answer; null: it can make no object that somebody owns.</summary>
    public AnsweredObjects? Objects { get; init; }

    /// <summary>Whether the answer may list others' objects, which are left out.</summary>
    public bool IsList { get; init; }

    /// <summary>What the client is told instead of the provider's answer.</summary>
    public GatewayError? Refusal { get; set; }

    /// <summary>What was set aside for it; null: nothing had to be.</summary>
    public ICallHold? Hold { get; set; }

    /// <summary>Time stamp of the call; 0 before it.</summary>
    public long Started { get; set; }

    /// <summary>The provider's status; 0 before it.</summary>
    public int Status { get; set; }

    /// <summary>Reads usage as the answer goes by; null for answers that tell none.</summary>
    public PassthroughUsage? Usage { get; set; }

    /// <summary>Whether the answer's body was read to its end.</summary>
    public bool IsWhole { get; set; }

    /// <summary>Whether the answer broke off.</summary>
    public bool IsCut { get; set; }

    /// <summary>Whether the gateway itself ended the answer, because it is stopping.</summary>
    public bool IsEnded { get; set; }

    /// <summary>Time stamp of the answer's head; 0 before it.</summary>
    public long Answered { get; set; }
}
