# The local engine: torch and the code it needs, nothing of the services. Build from the root of the checkout:
#   docker build -f ops/deploy/engine.Dockerfile -t precis-engine:0.1.0 .
FROM python:3.11-slim-bookworm
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1
COPY requirements/engine.lock /tmp/engine.lock
RUN pip install --no-deps --require-hashes --only-binary :all: -r /tmp/engine.lock && rm /tmp/engine.lock
WORKDIR /app
COPY schemas schemas
COPY models models
RUN useradd --system --uid 10001 precis
USER precis
ENTRYPOINT ["python", "-m", "models.engine"]
CMD ["--help"]
